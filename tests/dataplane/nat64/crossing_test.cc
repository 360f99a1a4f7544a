#include "dataplane/nat64/crossing.h"

#include "dataplane/explain.h"
#include "tests/dataplane/nat64/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Crossing : public CrossingRig {};

TEST_P(Crossing, TcpIsTranslatedBothWays) {
  serve(Protocol::kTcp);
  const auto syn = client().tcp(kTcpSyn, 100).tos(0x28);
  const Outcome opened = send(syn);
  learn_local(syn);
  expect_sent(opened, kInside, to_real().tcp(kTcpSyn, 100).tos(0x28));
  expect_sent(answer(from_real().tcp(kTcpSyn | kTcpAck, 7000, 101).tos(0x20)), kOutside,
              to_client().tcp(kTcpSyn | kTcpAck, 7000, 101).tos(0x20));
  expect_sent(send(client().tcp(kTcpAck, 101, 7001).payload("GET /")), kInside,
              to_real().tcp(kTcpAck, 101, 7001).payload("GET /"));
  expect_sent(answer(from_real().tcp(kTcpAck, 7001, 106).payload("hello")), kOutside,
              to_client().tcp(kTcpAck, 7001, 106).payload("hello"));

  const auto copy = lb.copy_of(client().tcp(kTcpAck));
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->state, ConnectionState::kEstablished);
  EXPECT_EQ(copy->request.source, ip(at_client("198.51.100.7"))) << "not as it is mapped";
  EXPECT_EQ(copy->request.destination, ip(at_client("203.0.113.10")));
  EXPECT_EQ(copy->reply.source, ip(at_real("10.0.0.1")));
  EXPECT_EQ(copy->in_packets, 2u);
  EXPECT_EQ(copy->out_packets, 2u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 0u);
  EXPECT_EQ(to_ipv6(), 2u);
  EXPECT_EQ(to_ipv4(), 2u);
}

TEST_P(Crossing, UdpIsTranslatedBothWays) {
  serve(Protocol::kUdp);
  const Outcome opened = send(client().udp().payload("who?"));
  learn_local(client().udp());
  expect_sent(opened, kInside, to_real().udp().payload("who?"));
  expect_sent(answer(from_real().udp().payload("me, of an odd length")), kOutside, to_client().udp().payload("me, of an odd length"));
}

TEST_P(Crossing, SctpIsTranslatedBothWays) {
  serve(Protocol::kSctp);
  const Outcome opened = send(client().sctp(1, Bytes(16, 7)));
  learn_local(client().sctp(1, Bytes(16, 7)));
  expect_sent(opened, kInside, to_real().sctp(1, Bytes(16, 7)));
  expect_sent(answer(from_real().sctp(2, Bytes(20, 9))), kOutside, to_client().sctp(2, Bytes(20, 9)));
}

// IPv6 does not do without.
TEST_P(Crossing, DatagramsWithoutChecksumGetOne) {
  serve(Protocol::kUdp);
  if (is_nat64()) {
    open(client().udp());
    expect_sent(answer(from_real().udp().payload("seven b").no_udp_checksum()), kOutside, to_client().udp().payload("seven b"));
  } else {
    const Outcome opened = send(client().udp().payload("seven b").no_udp_checksum());
    learn_local(client().udp());
    expect_sent(opened, kInside, to_real().udp().payload("seven b"));
  }
}

TEST_P(Crossing, EndsAndBeginsAnewAsOthersDo) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  answer(from_real().tcp(kTcpRst | kTcpAck));
  EXPECT_EQ(lb.copy_of(client().tcp(0))->state, ConnectionState::kClose);
  EXPECT_EQ(lb.counters(real).connections.read(), 1u);
  EXPECT_EQ(send(client().tcp(kTcpSyn, 900)).summary(), "sent 1");
  EXPECT_EQ(lb.counters(real).connections.read(), 2u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 1u);
  lb.advance(20 * 60 * 1000);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 0u);
  EXPECT_EQ(send(client().tcp(kTcpAck)).summary(), "kernel 0") << "as of any connection that is not known";
}

TEST_P(Crossing, WhatIsForLinuxStaysAsItCame) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  const auto stray = client().from(at_client("198.51.100.8"), 1).tcp(kTcpAck);
  const Outcome punted = send(stray);
  ASSERT_EQ(punted.summary(), "kernel 0");
  EXPECT_EQ(punted.to_kernel[0].bytes, stray.bytes());
  const auto other = from_real().to(at_real("10.0.0.254"), 22).tcp(kTcpSyn);
  const Outcome own = answer(other);
  ASSERT_EQ(own.summary(), "kernel 1");
  EXPECT_EQ(own.to_kernel[0].bytes, other.bytes());
}

TEST_P(Crossing, WithoutRealsClientsAreTold) {
  serve(Protocol::kTcp);
  lb.set_weight(real, 0);
  lb.set_no_real(service, NoReal::kReset);
  lb.publish();
  const Outcome reset = send(client().tcp(kTcpSyn, 100));
  ASSERT_EQ(reset.summary(), "sent 0, dropped no_real");
  EXPECT_EQ(checksum_errors(reset.sent[0].bytes), "");
  EXPECT_THAT(describe(reset.sent[0].bytes), testing::HasSubstr("tcp 80 > 40000 RA"));
  lb.set_no_real(service, NoReal::kUnreachable);
  lb.publish();
  const auto syn = client().tcp(kTcpSyn, 100);
  const Outcome told = send(syn);
  ASSERT_EQ(told.summary(), "sent 0, dropped no_real");
  EXPECT_EQ(checksum_errors(told.sent[0].bytes), "");
  EXPECT_THAT(describe(told.sent[0].bytes), testing::HasSubstr(is_nat64() ? "icmpv6 1/4" : "icmp 3/3"));
}

TEST_P(Crossing, WaitsForANextHopAsItCame) {
  serve(Protocol::kTcp);
  lb.unresolve(real);
  lb.publish();
  EXPECT_EQ(send(client().tcp(kTcpSyn, 100)).summary(), "waits");
  lb.resolve(real);
  lb.publish();
  const Outcome later = lb.advance(1);
  learn_local(client().tcp(0));
  expect_sent(later, kInside, to_real().tcp(kTcpSyn, 100));
}

TEST_P(Crossing, TtlEndsHere) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  const Outcome outcome = send(client().tcp(kTcpAck).ttl(1));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped ttl_expired");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr(is_nat64() ? "icmpv6 3/0" : "icmp 11/0"));
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
}

// A service's other reals are of its clients' family: all of its new connections go the same way.
TEST_P(Crossing, RealsOfBothFamiliesServeTogether) {
  serve(Protocol::kTcp);
  lb.add_local_address(service, at_client("10.0.0.100"));
  const RealId near = lb.add_real(service, at_client("10.0.0.2"), 8080);
  lb.publish();
  uint32_t to_near = 0;
  for (uint16_t port = 1; port <= 10; ++port) {
    const auto syn = client().from(at_client("198.51.100.7"), port).tcp(kTcpSyn, 5);
    const Outcome outcome = send(syn);
    ASSERT_EQ(outcome.summary(), "sent 1");
    ASSERT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    const auto copy = lb.copy_of(syn);
    ASSERT_TRUE(copy);
    if (copy->real != near) continue;
    ++to_near;
    const uint16_t own = copy->reply.destination_port.host();
    expect_sent(outcome, kInside,
                a_packet().from(at_client("10.0.0.100"), own).to(at_client("10.0.0.2"), 8080).ttl(63).from_mac(kInsideMac)
                    .to_mac(real_mac(near)).tcp(kTcpSyn, 5));
    expect_sent(answer(a_packet().from(at_client("10.0.0.2"), 8080).to(at_client("10.0.0.100"), own).to_mac(kInsideMac).tcp(kTcpSyn | kTcpAck, 9, 6)),
                kOutside,
                a_packet().from(at_client("203.0.113.10"), 80).to(at_client("198.51.100.7"), port).ttl(63).from_mac(kOutsideMac)
                    .to_mac(kGatewayMac).tcp(kTcpSyn | kTcpAck, 9, 6));
  }
  EXPECT_EQ(to_near, 5u);
}

// An IPv4 service's connections go on as they began when a real of the other family comes.
TEST(CrossingOfServices, ConnectionsOfBeforeStayAsTheyAre) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kFullnat);
  lb.add_local_address(service, "10.0.0.100");
  lb.add_real(service, "10.0.0.1", 8080);
  lb.publish();
  const auto client = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80);
  ASSERT_EQ(lb.send(PacketBuilder(client).tcp(kTcpSyn)).summary(), "sent 1");
  lb.add_local_address(service, "2001:db8:1::64");
  lb.add_real(service, "2001:db8:1::2", 8080);
  lb.publish();
  EXPECT_EQ(lb.send(PacketBuilder(client).tcp(kTcpAck)).summary(), "sent 1");
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 1u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 0u);
  EXPECT_EQ(lb.worker().counters.translated_to_ipv6.read(), 0u);
}

TEST_P(Crossing, WithoutAnAddressOfTheRealsFamilyNobodyIsServed) {
  service = lb.add_service(Protocol::kTcp, at_client("203.0.113.10"), 80, Method::kFullnat);
  lb.add_local_address(service, at_client("10.0.0.100"));
  lb.add_real(service, at_real("10.0.0.1"), 8080);
  lb.publish();
  EXPECT_EQ(send(client().tcp(kTcpSyn)).summary(), "dropped no_local_address");
}

// The hash of what is on the wire decides, not that of mapped addresses.
TEST_P(Crossing, RepliesComeToTheWorkerThatHasTheConnection) {
  WorkerFixture many(4);
  const ServiceId of = many.add_service(Protocol::kTcp, at_client("203.0.113.10"), 80, Method::kFullnat);
  many.add_local_address(of, at_real("10.0.0.100"));
  many.add_real(of, at_real("10.0.0.1"), 8080);
  many.publish();
  for (uint16_t port = 1000; port < 1100; ++port) {
    const uint32_t at = port % 4;
    const auto syn = client().from(at_client("198.51.100.7"), port).tcp(kTcpSyn);
    ASSERT_EQ(many.send(syn, kOutside, at).summary(), "sent 1");
    const uint16_t own = many.copy_of(syn, at)->reply.destination_port.host();
    const auto reply = a_packet().from(at_real("10.0.0.1"), 8080).to(at_real("10.0.0.100"), own).to_mac(kInsideMac).tcp(kTcpSyn | kTcpAck);
    const Bytes frame = reply.bytes();
    uint32_t owner = 0;
    if (is_nat64()) {
      FlowKey key{.source_port = Be16::from_host(8080), .destination_port = Be16::from_host(own), .protocol = 6};
      key.source = v4("10.0.0.1");
      key.destination = v4("10.0.0.100");
      owner = many.steering().owner_of(key);
    } else {
      FlowKey6 key{ip(at_real("10.0.0.1")).bytes, ip(at_real("10.0.0.100")).bytes, Be16::from_host(8080), Be16::from_host(own), 6};
      owner = many.steering().owner_of(key);
    }
    ASSERT_EQ(owner, at) << port;
    // One that comes elsewhere all the same is handed over as it came, and translated there.
    ASSERT_EQ(many.send(reply, kInside, (at + 1) % 4).summary(), "handed to " + std::to_string(at));
    const Outcome handed = many.serve_inbox(at);
    ASSERT_EQ(handed.summary(), "sent 0");
    EXPECT_EQ(checksum_errors(handed.sent[0].bytes), "");
  }
}

TEST_P(Crossing, PacketsInsideABurstFindWhatThoseBeforeOpened) {
  serve(Protocol::kTcp);
  std::vector<PacketBuilder> burst;
  for (uint16_t port = 1; port <= 10; ++port) {
    burst.push_back(client().from(at_client("198.51.100.7"), port).tcp(kTcpSyn));
    burst.push_back(client().from(at_client("198.51.100.7"), port).tcp(kTcpAck, 2, 1));
  }
  EXPECT_EQ(lb.send_burst(burst).sent.size(), 20u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 10u);
}

// No host sends such addresses; where they stand for a connection's they must not be taken for it.
TEST_P(Crossing, MappedAddressesOnTheWireAreDropped) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  const auto forged = is_nat64() ? a_packet().from("::ffff:10.0.0.1", 8080).to("::ffff:10.0.0.100", local)
                                 : a_packet().from("::ffff:198.51.100.7", 40000).to("::ffff:203.0.113.10", 80);
  EXPECT_EQ(send(PacketBuilder(forged).tcp(kTcpAck)).summary(), "dropped mapped_address");
  EXPECT_EQ(send(PacketBuilder(forged).udp()).summary(), "dropped mapped_address");
  EXPECT_EQ(send(a_packet().from("::ffff:10.0.0.1", 8080).to("2001:db8::5", 80).tcp(kTcpSyn)).summary(), "dropped mapped_address");
  EXPECT_EQ(send(a_packet().from("2001:db8::5", 8080).to("::ffff:10.0.0.1", 80).tcp(kTcpSyn)).summary(), "dropped mapped_address");
  EXPECT_EQ(send(a_packet().from("::1", 8080).to("2001:db8::5", 80).tcp(kTcpSyn)).summary(), "kernel 0") << "only looks like it";
}

TEST_P(Crossing, OptionsAndExtensionHeadersStayBehind) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  if (is_nat64()) {
    expect_sent(send(client().extension(60, {1, 4, 0, 0, 0, 0}).extension(43, {0, 0, 0, 0, 0, 0}).tcp(kTcpAck).payload("data")), kInside,
                to_real().tcp(kTcpAck).payload("data"));
    expect_sent(answer(from_real().ip_options({148, 4, 0, 0}).tcp(kTcpAck).payload("data")), kOutside,
                to_client().tcp(kTcpAck).payload("data"));
    EXPECT_EQ(answer(from_real().ip_options({131, 7, 4, 10, 0, 0, 9}).tcp(kTcpAck)).summary(), "dropped untranslatable") << "a source route";
  } else {
    expect_sent(send(client().ip_options({7, 39, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}).tcp(kTcpAck).payload("data")),
                kInside, to_real().tcp(kTcpAck).payload("data"));
    EXPECT_EQ(send(client().ip_options({137, 7, 4, 10, 0, 0, 9}).tcp(kTcpAck)).summary(), "dropped untranslatable") << "a source route";
    expect_sent(answer(from_real().extension(60, {1, 4, 0, 0, 0, 0}).tcp(kTcpAck).payload("data")), kOutside,
                to_client().tcp(kTcpAck).payload("data"));
  }
}

// IPv4's bit for it, as long as an IPv6 path could need cutting (RFC 7915 section 5.1).
TEST_P(Crossing, LongPacketsAreNotToBeCut) {
  serve(Protocol::kTcp);
  open(client().tcp(kTcpSyn));
  const auto leaves = [&](size_t payload) {
    return is_nat64() ? send(client().tcp(kTcpAck).payload_of(payload)) : answer(from_real().tcp(kTcpAck).payload_of(payload));
  };
  const auto expected = [&](size_t payload) { return (is_nat64() ? to_real() : to_client()).tcp(kTcpAck).payload_of(payload); };
  const uint16_t port = is_nat64() ? kInside : kOutside;
  expect_sent(leaves(1260 - 40), port, expected(1260 - 40));
  expect_sent(leaves(1261 - 40), port, expected(1261 - 40).df());
}

TEST_P(Crossing, ExplainTellsWhatHappens) {
  serve(Protocol::kTcp);
  Explanation before;
  before.flow = {ip(at_client("198.51.100.7")), ip(at_client("203.0.113.10")), Be16::from_host(40000), Be16::from_host(80), kIpProtocolTcp};
  Explanation after = before;
  explain(lb.worker(), lb.snapshot(), before);
  EXPECT_FALSE(before.connection);
  EXPECT_EQ(before.service, service);
  EXPECT_EQ(before.choice.real, real);
  ASSERT_TRUE(before.has_reply);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 0u) << "nothing is changed by asking";
  open(client().tcp(kTcpSyn));
  EXPECT_EQ(before.reply.source, ip(at_real("10.0.0.1")));
  EXPECT_EQ(before.reply.destination, ip(at_real("10.0.0.100")));
  EXPECT_EQ(before.reply.destination_port.host(), local);

  explain(lb.worker(), lb.snapshot(), after);
  ASSERT_TRUE(after.connection);
  EXPECT_EQ(after.connection->request, after.flow);
  EXPECT_EQ(after.connection->reply, before.reply);
  Explanation back;
  back.flow = before.reply;
  back.in_port = kInside;
  explain(lb.worker(), lb.snapshot(), back);
  ASSERT_TRUE(back.connection);
  EXPECT_EQ(back.direction, Direction::kReply);
  EXPECT_TRUE(live_connection(lb.worker(), lb.snapshot(), before.reply));
}

INSTANTIATE_TEST_SUITE_P(Ways, Crossing, kBothWays, way_name);

}  // namespace
}  // namespace shunt::dataplane
