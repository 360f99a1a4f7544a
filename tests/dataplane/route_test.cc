#include "dataplane/route.h"

#include <gmock/gmock.h>

#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class RouteStage : public testing::Test {
 protected:
  RouteStage() {
    service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
    one = lb.add_real(service, "10.0.0.1", 8080);
    lb.publish();
  }

  static PacketBuilder client(uint16_t port = 40000) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
  }
  static PacketBuilder syn(uint16_t port = 40000) { return client(port).tcp(kTcpSyn); }
  static PacketBuilder reply() {
    return a_packet().from("10.0.0.1", 8080).to("198.51.100.7", 40000).to_mac(kInsideMac);
  }
  // Expects the ICMP error alone, quoting `packet` as it came.
  void expect_answer(const Outcome& outcome, const PacketBuilder& packet, PacketBuilder icmp,
                     uint16_t port = kOutside) {
    Bytes quoted = packet.ip_bytes();
    if (quoted.size() > 548) quoted.resize(548);
    const bool outside = port == kOutside;
    expect_sent({outcome.sent, {}, {}, {}}, port,
                icmp.from(outside ? "198.18.0.10" : "10.0.0.254")
                    .payload(quoted)
                    .tos(0xc0)
                    .from_mac(outside ? kOutsideMac : kInsideMac)
                    .to_mac(outside ? kGatewayMac : real_mac(one)));
  }

  WorkerFixture lb;
  ServiceId service;
  RealId one;
};

TEST_F(RouteStage, TooBigAndNotToBeFragmentedIsAnsweredWithTheMtu) {
  lb.hop_of(one).mtu = 1400;
  lb.publish();
  lb.send(syn());
  const auto fits = client().tcp(kTcpAck).df().payload_of(1360);
  EXPECT_EQ(lb.send(fits).summary(), "sent 1");
  const auto packet = client().tcp(kTcpAck).df().payload_of(1361);
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  expect_answer(outcome, packet, a_packet().to("198.51.100.7").icmp(3, 4, 1400));
}

TEST_F(RouteStage, TooBigReplyIsAnsweredToTheReal) {
  lb.gateway().mtu = 600;
  lb.publish();
  lb.send(syn());
  const auto packet = reply().tcp(kTcpAck).df().payload_of(1000).from_mac(real_mac(one));
  const Outcome outcome = lb.send(packet, kInside);
  ASSERT_EQ(outcome.summary(), "sent 1, dropped too_big");
  expect_answer(outcome, packet, a_packet().to("10.0.0.1").icmp(3, 4, 600), kInside);
}

TEST_F(RouteStage, AnswerQuotesOptionsAndShortPacketsWhole) {
  const auto packet = syn().ip_options({7, 7, 4, 0, 0, 0, 0}).ttl(1).payload("abc");
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
  expect_answer(outcome, packet, a_packet().to("198.51.100.7").icmp(11, 0));
}

TEST_F(RouteStage, TooBigThatMayBeFragmentedIsACountedDrop) {
  lb.hop_of(one).mtu = 600;
  lb.publish();
  lb.send(syn());
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).payload_of(1000)).summary(), "dropped too_big");
}

TEST_F(RouteStage, TtlThatRunsOutHereIsAnswered) {
  for (const uint8_t ttl : {0, 1}) {
    const auto packet = syn(ttl + 1).ttl(ttl);
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
    expect_answer(outcome, packet, a_packet().to("198.51.100.7").icmp(11, 0));
  }
  EXPECT_EQ(lb.send(syn(9).ttl(2)).summary(), "sent 1");
}

TEST_F(RouteStage, AnswerComesFromTheVipWithoutAnAddressOfOurOwn) {
  lb.port_address()[kOutside] = {};
  lb.publish();
  const Outcome outcome = lb.send(syn().ttl(1));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
  EXPECT_THAT(describe(outcome.sent[0].bytes),
              testing::HasSubstr("ipv4 203.0.113.10 > 198.51.100.7"));
}

TEST_F(RouteStage, NobodyIsAnsweredWhoIsNoSingleHost) {
  for (const char* sender : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_EQ(lb.send(syn().from(sender, 1).ttl(1)).summary(), "dropped ttl_expired") << sender;
  }
}

TEST_F(RouteStage, AnswersAreLimited) {
  int answered = 0;
  for (uint16_t i = 0; i < 100; ++i)
    answered += static_cast<int>(lb.send(syn(i).ttl(1)).sent.size());
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(lb.worker().counters.answers.read(), 50u);
  EXPECT_EQ(lb.drops(DropReason::kTtlExpired), 100u);
  lb.advance(10);
  answered = 0;
  for (uint16_t i = 0; i < 100; ++i)
    answered += static_cast<int>(lb.send(syn(i).ttl(1)).sent.size());
  EXPECT_EQ(answered, 10);
}

TEST_F(RouteStage, LinkDownIsACountedDrop) {
  lb.link_up()[kInside] = false;
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "dropped port_down");
}

TEST_F(RouteStage, NoRouteToTheRealIsACountedDrop) {
  lb.unresolve(one);
  lb.real(one).no_route = true;
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "dropped no_route");
}

TEST_F(RouteStage, NoRouteToTheClientIsACountedDrop) {
  lb.remove_routes();
  lb.publish();
  lb.send(syn());
  EXPECT_EQ(lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside).summary(), "dropped no_route");
}

TEST_F(RouteStage, UnresolvedRealWaitsAndLeavesWhenLearned) {
  lb.unresolve(one);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "waits");
  const auto requests = lb.resolve_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].address, ip("10.0.0.1"));
  EXPECT_EQ(requests[0].port, kInside);
  EXPECT_EQ(lb.advance(100).summary(), "") << "nothing new, nothing tried";
  lb.resolve(one);
  lb.publish();
  expect_sent(lb.advance(100), kInside,
              syn().to("10.0.0.1", 8080).ttl(63).from_mac(kInsideMac).to_mac(real_mac(one)));
  EXPECT_EQ(lb.worker().waiting.count, 0u);
  EXPECT_EQ(lb.connection_of(syn())->state, ConnectionState::kSynRecv);
}

TEST_F(RouteStage, UnresolvedTooLongIsACountedDrop) {
  lb.unresolve(one);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "waits");
  EXPECT_EQ(lb.advance(999).summary(), "");
  lb.resolve_requests();
  // Other news in between, which does not help, must not make it wait longer.
  lb.publish();
  EXPECT_EQ(lb.advance(0).summary(), "");
  EXPECT_EQ(lb.resolve_requests().size(), 1u) << "a new snapshot, a new try";
  EXPECT_EQ(lb.advance(1).summary(), "dropped no_neighbour");
}

TEST_F(RouteStage, UnresolvedGatewayMakesRepliesWait) {
  lb.send(syn());
  lb.gateway().resolved = false;
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside).summary(), "waits");
  const auto requests = lb.resolve_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].address, ip("198.18.0.1"));
  EXPECT_EQ(requests[0].port, kOutside);
  lb.gateway().resolved = true;
  lb.publish();
  EXPECT_EQ(lb.advance(10).summary(), "sent 0");
}

TEST_F(RouteStage, FullWaitingRoomIsACountedDrop) {
  WorkerFixture roomy(1, 512);
  const RealId real = roomy.add_real(
      roomy.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat), "10.0.0.1", 80);
  roomy.unresolve(real);
  roomy.publish();
  for (uint16_t i = 0; i < WaitingRoom::kPlaces; ++i)
    ASSERT_EQ(roomy.send(syn(i)).summary(), "waits");
  EXPECT_EQ(roomy.send(syn(1000)).summary(), "dropped waiting_room_full");
  roomy.publish();
  EXPECT_EQ(roomy.advance(1).summary(), "") << "all try again and find their places";
  EXPECT_EQ(roomy.worker().waiting.count, WaitingRoom::kPlaces);
  EXPECT_EQ(roomy.advance(1000).dropped.size(), WaitingRoom::kPlaces);
}

TEST_F(RouteStage, ClientsRouteIsRememberedUntilRoutesChange) {
  lb.send(syn());
  lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside);
  EXPECT_EQ(lb.connection_of(syn())->client_hop, NextHopId{0});
  lb.remove_routes();
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpAck), kInside).summary(), "sent 0");
  lb.change_routes();
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpAck), kInside).summary(), "dropped no_route");
}

TEST_F(RouteStage, NewMacAddressOfTheNextHopIsUsedAtOnce) {
  lb.send(syn());
  lb.hop_of(one).destination_mac = mac(0x99);
  lb.publish();
  const Outcome outcome = lb.send(client().tcp(kTcpAck));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("> 02:00:00:00:00:99"));
}

}  // namespace
}  // namespace shunt::dataplane
