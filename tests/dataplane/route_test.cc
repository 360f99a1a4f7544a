#include "dataplane/route.h"

#include <gmock/gmock.h>

#include "tests/dataplane/answers.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class RouteStage : public InBothFamilies {
 protected:
  RouteStage() {
    service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
    one = lb.add_real(service, at("10.0.0.1"), 8080);
    lb.publish();
  }

  static PacketBuilder client(uint16_t port = 40000) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  static PacketBuilder syn(uint16_t port = 40000) { return client(port).tcp(kTcpSyn); }
  static PacketBuilder reply() {
    return a_packet().from(at("10.0.0.1"), 8080).to(at("198.51.100.7"), 40000).to_mac(kInsideMac);
  }
  // Expects the answer to the client, from the VIP, or to the real, from the port, alone.
  void expect_answered(const Outcome& outcome, PacketBuilder answer, uint16_t port = kOutside) {
    const bool outside = port == kOutside;
    expect_sent({outcome.sent, {}, {}, {}}, port,
                answer.from(at(outside ? "203.0.113.10" : "10.0.0.254"))
                    .to(at(outside ? "198.51.100.7" : "10.0.0.1"))
                    .from_mac(outside ? kOutsideMac : kInsideMac)
                    .to_mac(outside ? kGatewayMac : real_mac(one)));
  }
  // Payload of a TCP packet of this many bytes.
  static size_t payload_for(size_t ip_bytes) { return ip_bytes - (is_v6() ? 60 : 40); }

  WorkerFixture lb;
  ServiceId service;
  RealId one;
};

TEST_P(RouteStage, TooBigAndNotToBeFragmentedIsAnsweredWithTheMtu) {
  lb.hop_of(one).mtu = 1400;
  lb.publish();
  lb.send(syn());
  const auto fits = client().tcp(kTcpAck).df().payload_of(payload_for(1400));
  EXPECT_EQ(lb.send(fits).summary(), "sent 1");
  const auto packet = client().tcp(kTcpAck).df().payload_of(payload_for(1401));
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  expect_answered(outcome, answer_to(packet, Answer::kTooBig, 1400));
}

TEST_P(RouteStage, TooBigReplyIsAnsweredToTheReal) {
  lb.gateway(GetParam()).mtu = 1280;
  lb.publish();
  lb.send(syn());
  const auto packet = reply().tcp(kTcpAck).df().payload_of(payload_for(1281)).from_mac(real_mac(one));
  const Outcome outcome = lb.send(packet, kInside);
  ASSERT_EQ(outcome.summary(), "sent 1, dropped too_big");
  expect_answered(outcome, answer_to(packet, Answer::kTooBig, 1280), kInside);
}

TEST_P(RouteStage, AnswerQuotesOptionsAndShortPacketsWhole) {
  const auto packet = syn().ip_options({7, 7, 4, 0, 0, 0, 0}).extension(kIpv6HopByHop).ttl(1).payload("abc");
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
  expect_answered(outcome, answer_to(packet, Answer::kTimeExceeded));
}

TEST_P(RouteStage, AnswerQuotesNoEthernetPadding) {
  const auto packet = syn().ttl(1);
  const Outcome outcome = lb.send(PacketBuilder(packet).padded_to(90));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
  expect_answered(outcome, answer_to(packet, Answer::kTimeExceeded));
}

// 576 bytes in all, or 1280: one byte less is quoted whole, one more is cut.
TEST_P(RouteStage, AnswerIsNoLongerThanItsFamilyAllows) {
  const size_t longest = is_v6() ? 1280 : 576;
  const size_t quoted = longest - (is_v6() ? 48 : 28);
  for (const size_t bytes : {quoted - 1, quoted, quoted + 1}) {
    const auto packet = syn().ttl(1).payload_of(payload_for(bytes));
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
    EXPECT_EQ(outcome.sent[0].bytes.size() - 14, longest - (bytes < quoted ? 1 : 0));
    expect_answered(outcome, answer_to(packet, Answer::kTimeExceeded));
  }
}

// IPv6 has no routers that fragment, and no bit that says so.
TEST_P(RouteStage, TooBigThatMayBeFragmentedGoesInPieces) {
  lb.hop_of(one).mtu = 1280;
  lb.publish();
  lb.send(syn());
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).payload_of(1300)).summary(),
            is_v6() ? "sent 0, dropped too_big" : "sent 1, sent 1");
}

TEST_P(RouteStage, TtlThatRunsOutHereIsAnswered) {
  for (const uint8_t ttl : {0, 1}) {
    const auto packet = syn(ttl + 1).ttl(ttl);
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
    expect_answered(outcome, answer_to(packet, Answer::kTimeExceeded));
  }
  EXPECT_EQ(lb.send(syn(9).ttl(2)).summary(), "sent 1");
}

TEST_P(RouteStage, NobodyIsAnsweredWhoIsNoSingleHost) {
  const std::vector<const char*> ipv4 = {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"};
  const std::vector<const char*> ipv6 = {"::", "::1", "ff02::1", "ff0e::1:2"};
  for (const char* sender : is_v6() ? ipv6 : ipv4) {
    EXPECT_EQ(lb.send(syn().from(sender, 1).ttl(1)).summary(), "dropped ttl_expired") << sender;
  }
}

TEST_P(RouteStage, AnswersAreLimited) {
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

TEST_P(RouteStage, LinkDownIsACountedDrop) {
  lb.link_up()[kInside] = false;
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "dropped port_down");
}

TEST_P(RouteStage, NoRouteToTheRealIsACountedDrop) {
  lb.unresolve(one);
  lb.remove_routes();
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "dropped no_route");
}

TEST_P(RouteStage, NoRouteToTheClientIsACountedDrop) {
  lb.remove_routes();
  lb.publish();
  lb.send(syn());
  EXPECT_EQ(lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside).summary(), "dropped no_route");
}

TEST_P(RouteStage, UnresolvedRealWaitsAndLeavesWhenLearned) {
  lb.unresolve(one);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "waits");
  const auto requests = lb.resolve_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].address, ip(at("10.0.0.1")));
  EXPECT_EQ(requests[0].port, kInside);
  EXPECT_EQ(lb.advance(100).summary(), "") << "nothing new, nothing tried";
  lb.resolve(one);
  lb.publish();
  expect_sent(lb.advance(100), kInside,
              syn().to(at("10.0.0.1"), 8080).ttl(63).from_mac(kInsideMac).to_mac(real_mac(one)));
  EXPECT_EQ(lb.worker().waiting.count, 0u);
  EXPECT_EQ(lb.copy_of(syn())->state, ConnectionState::kSynRecv);
}

TEST_P(RouteStage, UnresolvedTooLongIsACountedDrop) {
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

TEST_P(RouteStage, UnresolvedGatewayMakesRepliesWait) {
  lb.send(syn());
  lb.gateway(GetParam()).resolved = false;
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside).summary(), "waits");
  const auto requests = lb.resolve_requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].address, ip(is_v6() ? "fe80::1" : "198.18.0.1"));
  EXPECT_EQ(requests[0].port, kOutside);
  lb.gateway(GetParam()).resolved = true;
  lb.publish();
  EXPECT_EQ(lb.advance(10).summary(), "sent 0");
}

TEST_P(RouteStage, FullWaitingRoomIsACountedDrop) {
  WorkerFixture roomy(1, 512);
  const RealId real = roomy.add_real(
      roomy.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat), at("10.0.0.1"), 80);
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

TEST_P(RouteStage, ClientsRouteIsRememberedUntilRoutesChange) {
  lb.send(syn());
  lb.send(reply().tcp(kTcpSyn | kTcpAck), kInside);
  const NextHopId hop = is_v6() ? lb.connection6_of(syn())->client_hop : lb.connection_of(syn())->client_hop;
  EXPECT_EQ(hop, WorkerFixture::gateway_id(GetParam()));
  lb.remove_routes();
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpAck), kInside).summary(), "sent 0");
  lb.change_routes();
  lb.publish();
  EXPECT_EQ(lb.send(reply().tcp(kTcpAck), kInside).summary(), "dropped no_route");
}

TEST_P(RouteStage, NewMacAddressOfTheNextHopIsUsedAtOnce) {
  lb.send(syn());
  lb.hop_of(one).destination_mac = mac(0x99);
  lb.publish();
  const Outcome outcome = lb.send(client().tcp(kTcpAck));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("> 02:00:00:00:00:99"));
}

INSTANTIATE_TEST_SUITE_P(Families, RouteStage, kBothFamilies, family_name);

// One budget: who has two families has no second one to make us an amplifier.
TEST(Answers, BothFamiliesShareTheirLimit) {
  WorkerFixture lb;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const ServiceId service = lb.add_service(Protocol::kTcp, in_family(family, "203.0.113.10"), 80, Method::kNat);
    lb.add_real(service, in_family(family, "10.0.0.1"), 80);
  }
  lb.publish();
  size_t answered = 0;
  for (uint16_t i = 0; i < 100; ++i) {
    const AddressFamily family = i % 2 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
    answered += lb.send(a_packet()
                            .from(in_family(family, "198.51.100.7"), i)
                            .to(in_family(family, "203.0.113.10"), 80)
                            .tcp(kTcpSyn)
                            .ttl(1))
                    .sent.size();
  }
  EXPECT_EQ(answered, 50u);
}

TEST(Answers, NoneIsGivenToWhatWasSentToAnIpv6Group) {
  WorkerFixture lb;
  lb.add_real(lb.add_service(Protocol::kUdp, "ff0e::1:2", 80, Method::kNat), "2001:db8:1::1", 80);
  lb.publish();
  EXPECT_EQ(lb.send(a_packet().from("2001:db8:ff::7", 1).to("ff0e::1:2", 80).udp().ttl(1)).summary(),
            "dropped ttl_expired");
}

}  // namespace
}  // namespace shunt::dataplane
