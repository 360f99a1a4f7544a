// Rules of snat, seen from the packets: what leaves, what comes back, byte by byte, and what becomes of the rest.
#include "dataplane/snat.h"

#include <gmock/gmock.h>

#include <set>

#include "dataplane/expiry.h"
#include "dataplane/explain.h"
#include "tests/control/snat_rig.h"
#include "tests/dataplane/forwarding/variants.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/fragmentation.h"

namespace shunt::control {
namespace {

using namespace dataplane;
using namespace test;

class SnatPackets : public InBothFamilies {
 protected:
  SnatRig rig{GetParam()};
  WorkerFixture& lb = rig.lb;

  // Opens a connection from that port; the pool's port that it has.
  uint16_t open(uint16_t port, bool is_udp) {
    const auto first = is_udp ? rig.out(port).udp() : rig.out(port).tcp(kTcpSyn);
    EXPECT_EQ(lb.send(first, kInside).summary(), "sent 0");
    return rig.port_of(first);
  }
  // The port, or identifier, of the one connection of that protocol.
  uint16_t mapped_of(uint8_t protocol) {
    const uint16_t end = 40000;
    const bool is_echo = protocol != 6 && protocol != 17;
    const IpFlow flow{ip(at("10.0.0.1")), ip(at("198.51.100.7")), Be16::from_host(end),
                      Be16::from_host(is_echo ? 0 : 443), protocol};
    const auto connection = live_connection(lb.worker(), lb.snapshot(), flow);
    return connection ? connection->reply.destination_port.host() : uint16_t{0};
  }
};

TEST_P(SnatPackets, WhatReachesOutComesFromThePool) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    const uint16_t mapped = open(++port, variant.is_udp);
    ASSERT_GE(mapped, 1024);
    auto request = rig.out(port);
    auto expected = rig.leaving(a_packet().from(at("192.0.2.50"), mapped).to(at("198.51.100.7"), 443));
    variant.apply(request);
    variant.apply(expected);
    expect_sent(lb.send(request, kInside), kOutside, expected);
  }
}

TEST_P(SnatPackets, RepliesComeToWhoReachedOut) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    const uint16_t mapped = open(++port, variant.is_udp);
    auto reply = a_packet().from(at("198.51.100.7"), 443).to(at("192.0.2.50"), mapped);
    auto expected = rig.coming_in(a_packet().from(at("198.51.100.7"), 443).to(at("10.0.0.1"), port));
    variant.apply(reply);
    variant.apply(expected);
    expect_sent(lb.send(reply), kInside, expected);
  }
}

TEST_P(SnatPackets, ThreeWayHandshakeEstablishesAndFinsEnd) {
  const auto syn = rig.out().tcp(kTcpSyn);
  lb.send(syn, kInside);
  const uint16_t mapped = rig.port_of(syn);
  EXPECT_EQ(lb.copy_of(syn)->state, ConnectionState::kSynRecv);
  const auto back = [&] { return a_packet().from(at("198.51.100.7"), 443).to(at("192.0.2.50"), mapped); };
  lb.send(back().tcp(kTcpSyn | kTcpAck));
  lb.send(rig.out().tcp(kTcpAck), kInside);
  EXPECT_EQ(lb.copy_of(syn)->state, ConnectionState::kEstablished);
  EXPECT_EQ(lb.counters(rig.slot).active.load(), 1u);
  lb.send(rig.out().tcp(kTcpFin | kTcpAck), kInside);
  lb.send(back().tcp(kTcpFin | kTcpAck));
  EXPECT_NE(lb.copy_of(syn)->state, ConnectionState::kEstablished);
  EXPECT_EQ(lb.counters(rig.slot).active.load(), 0u);
  EXPECT_EQ(lb.copy_of(syn)->method, Method::kSnat);
}

TEST_P(SnatPackets, ASynSentAgainKeepsItsPort) {
  const auto syn = rig.out().tcp(kTcpSyn);
  lb.send(syn, kInside);
  const uint16_t mapped = rig.port_of(syn);
  expect_sent(lb.send(syn, kInside), kOutside,
              rig.leaving(a_packet().from(at("192.0.2.50"), mapped).to(at("198.51.100.7"), 443).tcp(kTcpSyn)));
  EXPECT_EQ(lb.connections(GetParam()), 1u);
}

TEST_P(SnatPackets, EchoesAreKnownByTheirIdentifier) {
  const auto request = [&](uint16_t id) { return rig.echo(id).from(at("10.0.0.1")).to(at("198.51.100.7")).to_mac(kInsideMac); };
  const auto reply = [&](uint16_t id) { return rig.echo(id, false).from(at("198.51.100.7")); };
  std::set<uint16_t> mapped;
  for (const uint16_t id : {uint16_t{0}, uint16_t{1}, uint16_t{4711}, uint16_t{0xffff}}) {
    SCOPED_TRACE(id);
    const Outcome sent = lb.send(request(id), kInside);
    ASSERT_EQ(sent.summary(), "sent 0");
    const size_t place = l4_place() + 4;
    const auto now = static_cast<uint16_t>(sent.sent[0].bytes[place] << 8 | sent.sent[0].bytes[place + 1]);
    EXPECT_GE(now, 1024);
    mapped.insert(now);
    expect_sent(lb.send(request(id), kInside), kOutside,
                rig.leaving(rig.echo(now).from(at("192.0.2.50")).to(at("198.51.100.7"))));
    expect_sent(lb.send(reply(now).to(at("192.0.2.50"))), kInside, rig.coming_in(reply(id).to(at("10.0.0.1"))));
  }
  EXPECT_EQ(mapped.size(), 4u);
  EXPECT_EQ(lb.connections(GetParam()), 4u);
}

TEST_P(SnatPackets, EchoesOfOthersAreLinuxs) {
  EXPECT_EQ(lb.send(rig.echo(1).from(at("198.51.100.7")).to(at("192.0.2.50"))).summary(), "kernel 0");
  EXPECT_EQ(lb.send(rig.echo(1, false).from(at("198.51.100.7")).to(at("192.0.2.50"))).summary(), "kernel 0");
  EXPECT_EQ(lb.send(rig.echo(1, false).from(at("10.0.0.1")).to(at("198.51.100.7")).to_mac(kInsideMac), kInside).summary(),
            "kernel 1");
  EXPECT_EQ(lb.send(rig.echo(1).from(at("10.0.0.1")).to(at("10.0.0.254")).to_mac(kInsideMac), kInside).summary(),
            "kernel 1");
}

TEST_P(SnatPackets, WhatIsForThisMachineOrForManyIsLinuxs) {
  const auto to = [&](std::string_view address) {
    return lb.send(a_packet().from(at("10.0.0.1"), 40000).to(address, 53).udp().to_mac(kInsideMac), kInside).summary();
  };
  EXPECT_EQ(to(at("10.0.0.254")), "kernel 1") << "our own";
  EXPECT_EQ(to(at("203.0.113.99")), "kernel 1") << "a VIP";
  EXPECT_EQ(to(at("192.0.2.50")), "kernel 1") << "the pool";
  EXPECT_EQ(to(is_v6() ? "fe80::7" : "169.254.0.7"), "kernel 1");
  EXPECT_EQ(to(is_v6() ? "ff02::7" : "239.0.0.7"), "kernel 1");
  EXPECT_EQ(to(is_v6() ? "::1" : "255.255.255.255"), "kernel 1");
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(SnatPackets, OthersSourcesAndPortsAreNotTheRules) {
  const auto stranger = a_packet().from(at("172.16.0.1"), 40000).to(at("198.51.100.7"), 443).udp().to_mac(kInsideMac);
  EXPECT_EQ(lb.send(stranger, kInside).summary(), "kernel 1");
  rig.in_port = kOutside;
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "kernel 1") << "another ingress port";
  rig.in_port = kInside;
  rig.out_port = kInside;
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "kernel 1") << "another egress port";
  rig.out_port = kOutside;
  rig.destinations = {*Prefix::parse(at("198.51.100.8"))};
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "kernel 1") << "another destination";
  rig.destinations = {*Prefix::parse(at("198.51.100.7"))};
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "sent 0");
}

TEST_P(SnatPackets, OnlyASynOpens) {
  for (const int flags : {kTcpAck | 0, kTcpSyn | kTcpAck, kTcpRst | 0, kTcpFin | kTcpAck, kTcpSyn | kTcpRst}) {
    EXPECT_EQ(lb.send(rig.out().tcp(static_cast<uint8_t>(flags)), kInside).summary(), "dropped not_schedulable");
  }
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(SnatPackets, APoolThatIsUsedUpDropsAndCounts) {
  rig.ports = {2000, 2001};
  rig.publish();
  EXPECT_EQ(lb.send(rig.out(40000).udp(), kInside).summary(), "sent 0");
  EXPECT_EQ(lb.send(rig.out(40001).udp(), kInside).summary(), "sent 0");
  EXPECT_EQ(lb.send(rig.out(40002).udp(), kInside).summary(), "dropped snat_exhausted");
  EXPECT_EQ(rig.exhausted(), 1u);
  EXPECT_EQ(lb.connections(GetParam()), 2u);
  EXPECT_THAT((std::set{rig.port_of(rig.out(40000).udp()), rig.port_of(rig.out(40001).udp())}),
              testing::ElementsAre(2000, 2001));
  EXPECT_EQ(lb.send(rig.out(40002, 444).udp(), kInside).summary(), "sent 0") << "toward another port both are free";
  rig.pool.push_back(ip(at("192.0.2.51")));
  rig.publish();
  EXPECT_EQ(lb.send(rig.out(40003).udp(), kInside).summary(), "sent 0") << "by the new address";
  EXPECT_EQ(rig.exhausted(), 1u);
}

TEST_P(SnatPackets, ASourceKeepsItsAddress) {
  for (int i = 51; i < 58; ++i) rig.pool.push_back(ip(at("192.0.2." + std::to_string(i))));
  rig.publish();
  std::set<IpAddress> of_all;
  for (int host = 1; host < 40; ++host) {
    std::set<IpAddress> own;
    for (uint16_t port = 40000; port < 40004; ++port) {
      const auto packet = a_packet().from(at("10.0.0." + std::to_string(host)), port).to(at("198.51.100.7"), 53).udp();
      lb.send(PacketBuilder(packet).to_mac(kInsideMac), kInside);
      own.insert(rig.address_of(packet));
    }
    EXPECT_EQ(own.size(), 1u) << "host " << host;
    of_all.insert(own.begin(), own.end());
  }
  EXPECT_GT(of_all.size(), 4u) << "sources are spread over the pool";
}

TEST_P(SnatPackets, TtlThatEndsHereIsToldToWhoReachedOut) {
  for (const bool is_echo : {false, true}) {
    const auto asked = is_echo ? rig.echo(9).from(at("10.0.0.1")).to(at("198.51.100.7")) : rig.out().udp();
    const auto packet = PacketBuilder(asked).to_mac(kInsideMac).ttl(1);
    const Outcome outcome = lb.send(packet, kInside);
    ASSERT_EQ(outcome.summary(), "sent 1, dropped ttl_expired") << is_echo;
    EXPECT_EQ(outcome.sent[0].bytes[l4_place()], is_v6() ? 3 : 11);
  }
}

TEST_P(SnatPackets, WhatIsTooLargeIsToldOrCut) {
  lb.gateway(GetParam()).mtu = 1300;
  rig.publish();
  const auto large = rig.out().udp().payload_of(1400);
  const Outcome told = lb.send(is_v6() ? large : PacketBuilder(large).df(), kInside);
  ASSERT_EQ(told.summary(), "sent 1, dropped too_big");
  EXPECT_EQ(told.sent[0].bytes[l4_place()], is_v6() ? 2 : 3);
  if (is_v6()) return;
  const Outcome cut = lb.send(large, kInside);
  EXPECT_EQ(cut.summary(), "sent 0, sent 0");
}

TEST_P(SnatPackets, ANextHopThatIsNotKnownIsWaitedFor) {
  lb.gateway(GetParam()).resolved = false;
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "waits");
  lb.gateway(GetParam()).resolved = true;
  rig.publish();
  EXPECT_EQ(lb.advance(1).summary(), "sent 0");
  lb.remove_routes();
  lb.change_routes();
  rig.publish();
  EXPECT_EQ(lb.send(rig.out().udp(), kInside).summary(), "dropped no_route");
}

TEST_P(SnatPackets, ConnectionsOfARemovedRuleEnd) {
  lb.send(rig.out().udp(), kInside);
  EXPECT_EQ(lb.connections(GetParam()), 1u);
  lb.expire_real(rig.slot);
  lb.publish();
  for (int i = 0; i < 4; ++i) expire_reals(lb.worker(), lb.snapshot());
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(SnatPackets, EchoesEndBeforeOtherConnections) {
  lb.send(rig.echo(9).from(at("10.0.0.1")).to(at("198.51.100.7")).to_mac(kInsideMac), kInside);
  lb.send(rig.out().udp(), kInside);
  lb.advance(61'000);
  EXPECT_EQ(lb.connections(GetParam()), 1u);
  lb.advance(300'000);
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

// Fragments of a datagram, UDP's and an echo's, pass as what the whole one would have been.
TEST_P(SnatPackets, FragmentsPassBothWays) {
  constexpr size_t kMtu = 1000;
  const auto pass = [&](const PacketBuilder& whole, uint16_t in, uint16_t out) {
    std::vector<Bytes> left;
    for (const Bytes& piece : fragments_of(whole.bytes(), kMtu, 77)) {
      const Outcome outcome = lb.send_frame(piece, in);
      EXPECT_EQ(outcome.summary(), "sent " + std::to_string(out));
      for (const Outcome::Frame& frame : outcome.sent) left.push_back(frame.bytes);
    }
    std::string trouble;
    const Bytes together = put_together(left, trouble);
    EXPECT_EQ(trouble, "");
    EXPECT_EQ(checksum_errors(together), "");
    return together;
  };
  for (const bool is_echo : {false, true}) {
    SCOPED_TRACE(is_echo ? "echo" : "UDP");
    const auto packet = [&](bool is_out, uint16_t end) {
      return (is_echo ? rig.echo(end, is_out) : a_packet().udp()).payload_of(2000).id(77);
    };
    const auto first = is_echo ? rig.echo(40000).from(at("10.0.0.1")).to(at("198.51.100.7")) : rig.out().udp();
    const Outcome opened = lb.send(PacketBuilder(first).to_mac(kInsideMac), kInside);
    ASSERT_EQ(opened.summary(), "sent 0");
    const size_t place = l4_place() + (is_echo ? 4 : 0);
    const auto mapped = static_cast<uint16_t>(opened.sent[0].bytes[place] << 8 | opened.sent[0].bytes[place + 1]);
    EXPECT_EQ(pass(packet(true, 40000).from(at("10.0.0.1"), 40000).to(at("198.51.100.7"), 443).to_mac(kInsideMac),
                   kInside, kOutside),
              rig.leaving(packet(true, mapped).from(at("192.0.2.50"), mapped).to(at("198.51.100.7"), 443)).bytes());
    EXPECT_EQ(pass(packet(false, mapped).from(at("198.51.100.7"), 443).to(at("192.0.2.50"), mapped), kOutside, kInside),
              rig.coming_in(packet(false, 40000).from(at("198.51.100.7"), 443).to(at("10.0.0.1"), 40000)).bytes());
  }
}

// Routers and hosts outside say what became of a packet: whoever sent it hears of what he sent, from them.
TEST_P(SnatPackets, ErrorsFromOutsideComeToWhoReachedOut) {
  for (const ErrorKind kind : {unreachable(is_v6()), time_exceeded(is_v6()), too_big(is_v6())}) {
    const uint32_t rest = kind.type == too_big(is_v6()).type && kind.code == too_big(is_v6()).code ? 1300 : 0;
    for (const int what : {0, 1, 2}) {
      const auto sent = [&](uint16_t end) {
        return (what == 0 ? a_packet().udp() : what == 1 ? a_packet().tcp(kTcpSyn) : rig.echo(end)).ttl(1);
      };
      lb.send(PacketBuilder(sent(40000)).ttl(64).from(at("10.0.0.1"), 40000).to(at("198.51.100.7"), 443).to_mac(kInsideMac), kInside);
      const uint16_t mapped = mapped_of(what == 0 ? 17 : what == 1 ? 6 : is_v6() ? 58 : 1);
      ASSERT_NE(mapped, 0);
      for (const size_t bytes : {SIZE_MAX, (is_v6() ? size_t{40} : size_t{20}) + 8}) {
        SCOPED_TRACE(std::to_string(what) + " " + std::to_string(bytes));
        const auto as_outside = sent(mapped).from(at("192.0.2.50"), mapped).to(at("198.51.100.7"), 443);
        const auto as_inside = sent(40000).from(at("10.0.0.1"), 40000).to(at("198.51.100.7"), 443);
        expect_sent(lb.send(icmp_error(kind, quoted(as_outside, bytes), rest).from(at("192.0.2.1")).to(at("192.0.2.50"))),
                    kInside,
                    rig.coming_in(icmp_error(kind, quoted(as_inside, bytes), rest).from(at("192.0.2.1")).to(at("10.0.0.1"))));
      }
    }
  }
}

TEST_P(SnatPackets, ErrorsFromInsideLeaveFromThePool) {
  const auto request = rig.out().udp();
  lb.send(request, kInside);
  const uint16_t mapped = rig.port_of(request);
  const auto reply = [&](std::string_view to, uint16_t port) {
    return a_packet().from(at("198.51.100.7"), 443).to(to, port).udp().payload("answer");
  };
  const ErrorKind kind = unreachable(is_v6());
  const auto error = icmp_error(kind, quoted(reply(at("10.0.0.1"), 40000)));
  const auto expected = icmp_error(kind, quoted(reply(at("192.0.2.50"), mapped)));
  expect_sent(lb.send(PacketBuilder(error).from(at("10.0.0.1")).to(at("198.51.100.7")).to_mac(kInsideMac), kInside),
              kOutside, rig.leaving(PacketBuilder(expected).from(at("192.0.2.50")).to(at("198.51.100.7"))));
}

INSTANTIATE_TEST_SUITE_P(Families, SnatPackets, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
