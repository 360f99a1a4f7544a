// ICMP errors about our own packets to tunnels' reals.
#include "dataplane/icmp/tunnel_error.h"

#include <gmock/gmock.h>

#include "dataplane/forwarding/tunnel.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;
using testing::IsEmpty;

class TunnelError : public InBothFamilies {
 protected:
  TunnelError() {
    service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kTunnel);
    real = lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
    EXPECT_EQ(lb.send(request().tcp(kTcpSyn)).summary(), "sent 1");
  }
  static PacketBuilder request() {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).tcp(kTcpAck).df();
  }
  static uint32_t added() { return tunnel_overhead(GetParam(), TunnelKind::kIpip); }
  // What the path to the real saw.
  static PacketBuilder ours(const PacketBuilder& inner) {
    return a_packet().from(at("10.0.0.254")).to(at("10.0.0.1")).ipip(inner).df().ttl(60);
  }
  static PacketBuilder large() { return request().payload_of(1400).ttl(63); }
  // Of a router between us and the real.
  static PacketBuilder from_path(ErrorKind kind, const PacketBuilder& sent, uint32_t rest = 0) {
    return icmp_error(kind, quoted(sent, is_v6() ? 1280 - 48 : 548), rest)
        .from(at("10.0.0.99"))
        .to(at("10.0.0.254"))
        .to_mac(kInsideMac);
  }
  static PacketBuilder from_path_too_big(uint32_t mtu) { return from_path(too_big(is_v6()), ours(large()), mtu); }
  // What the client is told, of its own packet as far as the router had quoted it.
  static PacketBuilder told(ErrorKind kind, const PacketBuilder& inner, uint32_t rest = 0) {
    const size_t quote = (is_v6() ? 1280 - 48 : 548) - added();
    return icmp_error(kind, quoted(inner, quote), rest)
        .from(at("203.0.113.10"))
        .to(at("198.51.100.7"))
        .tos(is_v6() ? 0 : 0xc0)
        .from_mac(kOutsideMac)
        .to_mac(kGatewayMac);
  }
  void expect_told(const Outcome& outcome, const PacketBuilder& expected) {
    ASSERT_EQ(outcome.summary(), "sent 0, dropped tunnel_error");
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    EXPECT_EQ(describe(outcome.sent[0].bytes), describe(expected.bytes()));
    EXPECT_EQ(outcome.sent[0].bytes, expected.bytes());
  }

  WorkerFixture lb;
  ServiceId service;
  RealId real;
};
using TunnelErrorIpv4 = TunnelError;
using TunnelErrorIpv6 = TunnelError;

TEST_P(TunnelError, TooBigIsLearnedAndToldToTheClient) {
  expect_told(lb.send(from_path_too_big(1400), kInside), told(too_big(is_v6()), large(), 1400 - added()));
  const auto news = lb.path_mtus();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].real, ip(at("10.0.0.1")));
  EXPECT_EQ(news[0].mtu, 1400);
  EXPECT_EQ(lb.worker().counters.answers.read(), 1u);
}

TEST_P(TunnelError, WhatIsKnownIsNotToldAgainButToTheClient) {
  lb.hop_of(real).mtu = 1400;
  lb.publish();
  expect_told(lb.send(from_path_too_big(1400), kInside), told(too_big(is_v6()), large(), 1400 - added()));
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

TEST_P(TunnelError, ClientIsToldOfTheSmallerOfTwoLimits) {
  lb.hop_of(real).mtu = 1350;
  lb.publish();
  expect_told(lb.send(from_path_too_big(1400), kInside), told(too_big(is_v6()), large(), 1350 - added()));
}

TEST_P(TunnelErrorIpv6, NoHostIsAskedForLessThan1280) {
  expect_told(lb.send(from_path_too_big(1280), kInside), told(too_big(true), large(), 1280));
}

// IPv6's hosts always do.
TEST_P(TunnelErrorIpv4, WhoSeeksNoMtuIsNotTold) {
  auto inner = a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).tcp(kTcpAck).payload_of(1400);
  EXPECT_EQ(lb.send(from_path(too_big(false), ours(inner), 1400), kInside).summary(), "dropped tunnel_error");
  EXPECT_EQ(lb.path_mtus().size(), 1u);
}

TEST_P(TunnelError, OtherErrorsAreToldToTheClient) {
  for (const ErrorKind kind : {unreachable(is_v6()), time_exceeded(is_v6())}) {
    expect_told(lb.send(from_path(kind, ours(request())), kInside), told(kind, request()));
  }
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
  const ErrorKind without_meaning = is_v6() ? ErrorKind{4, 0} : ErrorKind{4, 0};
  EXPECT_EQ(lb.send(from_path(without_meaning, ours(request())), kInside).summary(), "dropped tunnel_error");
}

TEST_P(TunnelError, ImpossibleMtuIsACountedDrop) {
  const uint32_t bytes = 1420 + 2 * added();
  for (const uint32_t mtu : {0u, 68u, (is_v6() ? 1280u : 576u) - 1, bytes, 65535u}) {
    EXPECT_EQ(lb.send(from_path_too_big(mtu), kInside).summary(), "dropped impossible_mtu") << mtu;
  }
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
  EXPECT_EQ(lb.send(from_path_too_big(bytes - 1), kInside).summary(), "sent 0, dropped tunnel_error");
}

// Who is not on the path does not know what we send.
TEST_P(TunnelError, ForgedOnesAreCountedDrops) {
  const ErrorKind kind = too_big(is_v6());
  const auto outcome = [&](const PacketBuilder& packet) { return lb.send(packet, kInside).summary(); };
  EXPECT_EQ(outcome(from_path(kind, ours(large()).to(at("10.0.0.2")), 1400)), "dropped bad_icmp_error")
      << "another real";
  EXPECT_EQ(outcome(from_path(kind, ours(large()).from(at("10.0.0.253")), 1400).to(at("10.0.0.253"))),
            "dropped bad_icmp_error")
      << "not our packet";
  EXPECT_EQ(outcome(from_path_too_big(1400).to(at("198.18.0.10"))), "dropped bad_icmp_error") << "not to its sender";
  EXPECT_EQ(outcome(from_path_too_big(1400).then([](Bytes& frame) { frame.back() ^= 1; })),
            "dropped bad_icmp_checksum");
  EXPECT_EQ(outcome(from_path(kind, ours(PacketBuilder(large()).from(at("198.51.100.7"), 1)), 1400)),
            "dropped icmp_no_connection");
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

TEST_P(TunnelError, AboutAnotherMethodsRealIsACountedDrop) {
  const ServiceId nat = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 81, Method::kNat);
  lb.add_real(nat, at("10.0.0.2"), 80);
  lb.publish();
  const auto inner = PacketBuilder(request()).to(at("203.0.113.10"), 81);
  lb.send(PacketBuilder(inner).tcp(kTcpSyn));
  EXPECT_EQ(lb.send(from_path(too_big(is_v6()), ours(PacketBuilder(inner).payload_of(1400)).to(at("10.0.0.2")), 1400),
                    kInside)
                .summary(),
            "dropped bad_icmp_error");
}

TEST_P(TunnelError, AboutATunnelOfLinuxsIsLinuxs) {
  const auto inner = a_packet().from(at("198.18.0.10"), 40000).to(at("192.0.2.1"), 80).tcp(kTcpAck).payload_of(1400);
  EXPECT_EQ(lb.send(from_path(too_big(is_v6()), ours(inner), 1400), kInside).summary(), "kernel 1");
  const auto cut = icmp_error(too_big(is_v6()), quoted(ours(large()), 2 * added() + 7), 1400)
                       .from(at("10.0.0.99"))
                       .to(at("10.0.0.254"))
                       .to_mac(kInsideMac);
  EXPECT_EQ(lb.send(cut, kInside).summary(), "kernel 1") << "too little is quoted to tell";
}

TEST_P(TunnelError, ClientsAreToldAtALimitedRate) {
  int answered = 0;
  for (int i = 0; i < 60; ++i) answered += static_cast<int>(lb.send(from_path_too_big(1400), kInside).sent.size());
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(lb.drops(DropReason::kTunnelError), 60u);
}

TEST_P(TunnelError, ClientWithoutARouteIsNotTold) {
  lb.remove_routes();
  lb.publish();
  EXPECT_EQ(lb.send(from_path_too_big(1400), kInside).summary(), "dropped tunnel_error");
  EXPECT_EQ(lb.path_mtus().size(), 1u);
}

TEST_P(TunnelError, FindsItsConnectionOnAnotherWorker) {
  WorkerFixture several(3);
  const ServiceId tunnel = several.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kTunnel);
  several.add_real(tunnel, at("10.0.0.1"), 80);
  several.publish();
  // Where RSS would bring the client's packets, the first error is taken.
  uint32_t owner = 0;
  const Outcome first = several.send(from_path_too_big(1400), kInside, 0);
  if (!first.handed_to.empty()) {
    owner = first.handed_to[0];
    EXPECT_EQ(several.serve_inbox(owner).summary(), "dropped icmp_no_connection");
  }
  ASSERT_EQ(several.send(request().tcp(kTcpSyn), kOutside, owner).summary(), "sent 1");
  const uint32_t arrival = (owner + 1) % 3;
  ASSERT_EQ(several.send(from_path_too_big(1400), kInside, arrival).summary(), "handed to " + std::to_string(owner));
  expect_told(several.serve_inbox(owner), told(too_big(is_v6()), large(), 1400 - added()));
  EXPECT_EQ(several.path_mtus().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, TunnelError, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, TunnelErrorIpv4, testing::Values(AddressFamily::kIpv4), family_name);
INSTANTIATE_TEST_SUITE_P(Families, TunnelErrorIpv6, testing::Values(AddressFamily::kIpv6), family_name);

}  // namespace
}  // namespace shunt::dataplane
