#include "control/kernel/probe_translation.h"

#include <gmock/gmock.h>

#include "dataplane/headers.h"
#include "tests/support/families.h"
#include "tests/support/packet_builder.h"

namespace shunt::control {
namespace {

using namespace test;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using Inward = ProbeTranslation::Inward;

class Translation : public InBothFamilies {
 protected:
  Translation() {
    table.prefixes = {*Prefix::parse("240.82.0.0/15"), *Prefix::parse("fd53:6875:6e74::/96")};
    table.own = {*IpAddress::parse(own)};
    table.vips[7] = *IpAddress::parse(vip);
    table.vips[70000] = *IpAddress::parse(vip);
  }
  std::string probe(uint32_t real) const { return probe_address(table.prefixes, GetParam(), real).to_string(); }
  // The packet afterwards; the number in `number`.
  Bytes outward(const PacketBuilder& builder) {
    Bytes packet = builder.ip_bytes();
    number = translation.outward(table, packet, now);
    return packet;
  }
  Bytes inward(const PacketBuilder& builder) {
    Bytes packet = builder.ip_bytes();
    size_t bytes = 0;
    what = translation.inward(table, packet, now, bytes);
    if (what == Inward::kAnswer) packet.resize(bytes);
    return packet;
  }

  const std::string own = at("10.0.0.254");
  const std::string vip = at("203.0.113.10");
  ProbeTable table;
  ProbeTranslation translation;
  ProbeTranslation::Time now{std::chrono::hours(1)};
  std::optional<uint32_t> number;
  Inward what = Inward::kNone;
};

TEST_P(Translation, AddressesAreNumbered) {
  EXPECT_EQ(probe(0), is_v6() ? "fd53:6875:6e74::" : "240.82.0.0");
  EXPECT_EQ(probe(131071), is_v6() ? "fd53:6875:6e74::1:ffff" : "240.83.255.255");
}

TEST_P(Translation, ThereAndBack) {
  for (const uint32_t real : {7u, 70000u}) {
    const uint16_t port = static_cast<uint16_t>(50000 + real % 100);
    EXPECT_EQ(outward(a_packet().from(own, port).to(probe(real), 80).tcp(kTcpSyn).payload("odd")),
              a_packet().from(own, port).to(vip, 80).tcp(kTcpSyn).payload("odd").ip_bytes());
    EXPECT_EQ(number, real);
  }
  for (const uint32_t real : {7u, 70000u}) {
    const uint16_t port = static_cast<uint16_t>(50000 + real % 100);
    EXPECT_EQ(inward(a_packet().from(vip, 80).to(own, port).tcp(kTcpSyn | kTcpAck)),
              a_packet().from(probe(real), 80).to(own, port).tcp(kTcpSyn | kTcpAck).ip_bytes());
    EXPECT_EQ(what, Inward::kAnswer);
  }
}

TEST_P(Translation, OfDatagrams) {
  EXPECT_EQ(outward(a_packet().from(own, 50000).to(probe(7), 53).udp().payload("ask")),
            a_packet().from(own, 50000).to(vip, 53).udp().payload("ask").ip_bytes());
  EXPECT_EQ(number, 7u);
  EXPECT_EQ(inward(a_packet().from(vip, 53).to(own, 50000).udp().payload("told")),
            a_packet().from(probe(7), 53).to(own, 50000).udp().payload("told").ip_bytes());
}

TEST_P(Translation, WhatNobodyAskedForIsLinuxs) {
  outward(a_packet().from(own, 50000).to(probe(7), 80).tcp(kTcpSyn));
  const std::vector<PacketBuilder> packets = {
      a_packet().from(vip, 80).to(own, 50001).tcp(kTcpAck), a_packet().from(vip, 81).to(own, 50000).tcp(kTcpAck),
      a_packet().from(vip, 80).to(own, 50000).udp(), a_packet().from(at("10.0.0.9"), 80).to(own, 50000).tcp(kTcpAck)};
  for (const PacketBuilder& packet : packets) {
    EXPECT_EQ(inward(packet), packet.ip_bytes());
    EXPECT_EQ(what, Inward::kNone);
  }
}

TEST_P(Translation, AProbeAddressFromOutsideIsForged) {
  inward(a_packet().from(probe(7), 80).to(own, 50000).tcp(kTcpAck));
  EXPECT_EQ(what, Inward::kForged);
  inward(a_packet().from(at("198.51.100.7"), 80).to(probe(7), 80).tcp(kTcpSyn));
  EXPECT_EQ(what, Inward::kForged);
}

TEST_P(Translation, OthersDoNotProbe) {
  outward(a_packet().from(at("198.51.100.7"), 50000).to(probe(7), 80).tcp(kTcpSyn));
  EXPECT_EQ(number, std::nullopt) << "forwarded for somebody else";
  outward(a_packet().from(own, 50000).to(probe(8), 80).tcp(kTcpSyn));
  EXPECT_EQ(number, std::nullopt) << "nobody's";
  outward(a_packet().from(own, 50000).to(vip, 80).tcp(kTcpSyn));
  EXPECT_EQ(number, std::nullopt);
  const auto datagram = a_packet().from(own, 50000).to(probe(7), 80).udp().payload_of(64);
  outward(is_v6() ? PacketBuilder(datagram).extension(dataplane::kIpv6Fragment) : PacketBuilder(datagram).fragment(0, true));
  EXPECT_EQ(number, std::nullopt) << "a fragment";
  outward(a_packet().from(own).to(probe(7)).icmp(8, 0));
  EXPECT_EQ(number, std::nullopt);
  EXPECT_EQ(translation.flows(), 0u);
}

TEST_P(Translation, WhatIsCutShortIsNone) {
  const Bytes whole = a_packet().from(own, 50000).to(probe(7), 80).tcp(kTcpSyn).ip_bytes();
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    Bytes part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes));
    EXPECT_EQ(translation.outward(table, part, now), std::nullopt) << bytes;
    size_t length = 0;
    translation.inward(table, part, now, length);
  }
}

TEST_P(Translation, FlowsAreForgotten) {
  outward(a_packet().from(own, 50000).to(probe(7), 80).tcp(kTcpSyn));
  now += std::chrono::minutes(4);
  outward(a_packet().from(own, 50001).to(probe(7), 80).tcp(kTcpSyn));
  EXPECT_EQ(translation.flows(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, Translation, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
