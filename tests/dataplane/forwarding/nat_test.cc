#include "dataplane/forwarding/nat.h"

#include <gmock/gmock.h>

#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Nat : public InBothFamilies {
 protected:
  Nat() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kNat);
      reals.push_back(lb.add_real(service, address(protocol == Protocol::kUdp), 8080));
    }
    lb.publish();
  }

  RealId real(bool is_udp) const { return reals[is_udp]; }
  static std::string address(bool is_udp) { return at(is_udp ? "10.0.0.2" : "10.0.0.1"); }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  // Opens the TCP connection, so that packets without SYN are forwarded, too.
  void open(uint16_t port) { lb.send(client(port).tcp(kTcpSyn)); }

  WorkerFixture lb;
  std::vector<RealId> reals;
};

TEST_P(Nat, RequestsGoToTheRealsAddressAndPort) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    open(++port);
    auto request = client(port);
    auto expected = a_packet()
                        .from(at("198.51.100.7"), port)
                        .to(address(variant.is_udp), 8080)
                        .ttl(63)
                        .from_mac(kInsideMac)
                        .to_mac(real_mac(real(variant.is_udp)));
    variant.apply(request);
    variant.apply(expected);
    expect_sent(lb.send(request), kInside, expected);
  }
}

TEST_P(Nat, RepliesComeFromTheVip) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    open(++port);
    if (variant.is_udp) lb.send(client(port).udp());
    auto reply = a_packet().from(address(variant.is_udp), 8080).to(at("198.51.100.7"), port).to_mac(kInsideMac);
    auto expected = a_packet()
                        .from(at("203.0.113.10"), 80)
                        .to(at("198.51.100.7"), port)
                        .ttl(63)
                        .from_mac(kOutsideMac)
                        .to_mac(kGatewayMac);
    variant.apply(reply);
    variant.apply(expected);
    expect_sent(lb.send(reply, kInside), kOutside, expected);
  }
}

// Every word in the payload, so that all values of the checksum pass, 0 and 0xffff among them.
TEST_P(Nat, UdpChecksumNeverBecomesNone) {
  uint32_t all_ones = 0;
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto two = static_cast<uint16_t>(i);
    const Bytes payload{static_cast<uint8_t>(two >> 8), static_cast<uint8_t>(two)};
    const Outcome outcome = lb.send(client(40000).udp().payload(payload));
    ASSERT_EQ(outcome.summary(), "sent 1");
    const Bytes& sent = outcome.sent[0].bytes;
    const uint32_t sum = static_cast<uint32_t>(sent[l4_place() + 6] << 8 | sent[l4_place() + 7]);
    ASSERT_NE(sum, 0u) << "payload " << i;
    ASSERT_EQ(checksum_errors(sent), "") << "payload " << i << ": " << describe(sent);
    all_ones += sum == 0xffff;
  }
  EXPECT_GT(all_ones, 0u) << "no sum was zero";
}

TEST_P(Nat, WrongChecksumStaysWrong) {
  open(40000);
  const size_t sum = l4_place() + 17;
  const Outcome outcome =
      lb.send(client(40000).tcp(kTcpAck).then([sum](Bytes& frame) { frame[sum] ^= 0x40; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "TCP checksum wrong");
}

TEST_P(Nat, EthernetPaddingIsNoPartOfTheSum) {
  const auto request = client(40000).udp().payload("x");
  const Outcome outcome =
      lb.send(PacketBuilder(request).padded_to(70).then([](Bytes& frame) { frame[69] = 0xee; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
}

TEST_P(Nat, RepliesOfOthersAreNotOurs) {
  open(40000);
  for (const auto& [address, port] : {std::pair{"10.0.0.1", 8081}, {"10.0.0.3", 8080}}) {
    const auto other = a_packet().from(at(address), static_cast<uint16_t>(port)).to(at("198.51.100.7"), 40000);
    EXPECT_EQ(lb.send(PacketBuilder(other).to_mac(kInsideMac), kInside).summary(), "kernel 1") << address;
  }
}

TEST_P(Nat, SameClientPortThroughTwoVipsToOneRealIsRefused) {
  const ServiceId other = lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kNat);
  lb.add_real(other, at("10.0.0.1"), 8080);
  lb.publish();
  open(40000);
  const auto through_the_other = [](uint16_t port) { return client(port).to(at("203.0.113.11"), 80).tcp(kTcpSyn); };
  EXPECT_EQ(lb.send(through_the_other(40000)).summary(), "dropped local_ports_exhausted");
  EXPECT_EQ(lb.connections(GetParam()), 1u);
  EXPECT_EQ(lb.send(through_the_other(40001)).summary(), "sent 1");
}

INSTANTIATE_TEST_SUITE_P(Families, Nat, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
