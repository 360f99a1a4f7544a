#include "dataplane/admit.h"

#include <gmock/gmock.h>

#include "tests/dataplane/answers.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

uint32_t active(const WorkerFixture& lb, RealId real) {
  return const_cast<WorkerFixture&>(lb).counters(real).active.load();
}
uint32_t inactive(const WorkerFixture& lb, RealId real) {
  return const_cast<WorkerFixture&>(lb).counters(real).inactive.load();
}

class Admit : public InBothFamilies {
 protected:
  Admit() {
    service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
    one = lb.add_real(service, at("10.0.0.1"), 8080);
    lb.publish();
  }

  static PacketBuilder client(uint16_t port = 40000) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  static PacketBuilder syn(uint16_t port = 40000) { return client(port).tcp(kTcpSyn); }
  uint32_t connections() { return lb.connections(GetParam()); }

  WorkerFixture lb;
  ServiceId service;
  RealId one;
};

TEST_P(Admit, SynOpensAConnection) {
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  const auto connection = lb.copy_of(syn());
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->real, one);
  EXPECT_EQ(connection->service, service);
  EXPECT_EQ(connection->state, ConnectionState::kSynRecv);
  EXPECT_EQ(connection->method, Method::kNat);
  EXPECT_EQ(lb.counters(one).connections.read(), 1u);
  EXPECT_EQ(active(lb, one), 1u);
}

TEST_P(Admit, OnlyAPureSynOpensOne) {
  for (const int flags : {0, +kTcpAck, kTcpSyn | kTcpAck, kTcpSyn | kTcpRst, +kTcpRst, +kTcpFin,
                          kTcpFin | kTcpAck, kTcpPsh | kTcpAck}) {
    EXPECT_EQ(lb.send(client().tcp(static_cast<uint8_t>(flags))).summary(), "kernel 0") << flags;
  }
  EXPECT_EQ(connections(), 0u);
  EXPECT_EQ(lb.send(client().tcp(kTcpSyn | 0xc0)).summary(), "sent 1") << "ECN's SYN is one";
}

struct SloppyCase {
  const char* name;
  uint8_t flags;
  ConnectionState state;
};

TEST_P(Admit, AnyPacketButARstOpensOneWhereTheServiceIsSloppy) {
  lb.set_sloppy_tcp(service);
  lb.publish();
  const SloppyCase cases[] = {
      {"ACK", kTcpAck, ConnectionState::kEstablished},
      {"PSH+ACK", kTcpPsh | kTcpAck, ConnectionState::kEstablished},
      {"SYN", kTcpSyn, ConnectionState::kSynRecv},
      {"SYN+ACK", kTcpSyn | kTcpAck, ConnectionState::kSynRecv},
      {"FIN+ACK", kTcpFin | kTcpAck, ConnectionState::kClose},
      {"no flag", 0, ConnectionState::kNone},
  };
  uint16_t port = 1000;
  for (const SloppyCase& c : cases) {
    const PacketBuilder packet = client(++port).tcp(c.flags);
    EXPECT_EQ(lb.send(packet).summary(), "sent 1") << c.name;
    ASSERT_TRUE(lb.copy_of(packet)) << c.name;
    EXPECT_EQ(lb.copy_of(packet)->state, c.state) << c.name;
  }
  EXPECT_EQ(connections(), std::size(cases));
  for (const int flags : {+kTcpRst, kTcpRst | kTcpAck, kTcpRst | kTcpSyn}) {
    EXPECT_EQ(lb.send(client().tcp(static_cast<uint8_t>(flags))).summary(), "kernel 0") << flags;
  }
  EXPECT_FALSE(lb.copy_of(client().tcp(kTcpRst)));
}

TEST_P(Admit, ASloppyServiceLeavesTheOthersStrict) {
  const ServiceId other = lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kNat);
  lb.add_real(other, at("10.0.0.2"), 8080);
  lb.set_sloppy_tcp(other);
  lb.publish();
  EXPECT_EQ(lb.send(client().tcp(kTcpAck)).summary(), "kernel 0");
  EXPECT_EQ(lb.send(client().to(at("203.0.113.11"), 80).tcp(kTcpAck)).summary(), "sent 1");
}

TEST_P(Admit, LatePacketsBeyondTheBudgetAreDroppedAndCounted) {
  int to_kernel = 0;
  int dropped = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string outcome = lb.send(client().tcp(kTcpAck)).summary();
    if (outcome == "kernel 0") ++to_kernel;
    if (outcome == "dropped not_schedulable") ++dropped;
  }
  EXPECT_EQ(to_kernel, 50);
  EXPECT_EQ(dropped, 150);
}

TEST_P(Admit, ConnectionKeepsItsRealWhateverTheSchedulerSays) {
  lb.send(syn());
  lb.add_real(service, at("10.0.0.2"), 8080);
  lb.publish();
  for (int i = 0; i < 4; ++i) {
    const Outcome outcome = lb.send(client().tcp(kTcpAck));
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("> " + at("10.0.0.1") + " "));
  }
}

TEST_P(Admit, WeightZeroTakesNoNewConnectionsAndKeepsTheOldOnes) {
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  lb.publish();
  lb.send(syn(1));
  lb.send(syn(2));
  const RealId drained = lb.copy_of(syn(1))->real;
  lb.set_weight(drained, 0);
  lb.publish();
  for (uint16_t port = 10; port < 20; ++port) {
    lb.send(syn(port));
    EXPECT_NE(lb.copy_of(syn(port))->real, drained);
  }
  EXPECT_EQ(lb.send(client(1).tcp(kTcpAck)).summary(), "sent 1");
  EXPECT_EQ(active(lb, drained), 1u);
  EXPECT_EQ(active(lb, drained == one ? two : one), 11u);
}

TEST_P(Admit, RemovedRealsConnectionsLiveOn) {
  lb.send(syn());
  lb.remove_real(one);
  lb.publish();
  EXPECT_EQ(lb.send(client().tcp(kTcpAck)).summary(), "sent 1");
}

TEST_P(Admit, NoRealLeftIsAnsweredWithPortUnreachable) {
  lb.set_weight(one, 0);
  lb.publish();
  const auto packet = syn();
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.summary(), "sent 0, dropped no_real");
  expect_sent({outcome.sent, {}, {}, {}}, kOutside,
              answer_to(packet, Answer::kPortUnreachable)
                  .from(at("203.0.113.10"))
                  .to(at("198.51.100.7"))
                  .from_mac(kOutsideMac)
                  .to_mac(kGatewayMac));
  EXPECT_EQ(connections(), 0u);
}

TEST_P(Admit, UdpOpensByAnyPacketAndCountsAsInactive) {
  const ServiceId dns = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 80, Method::kNat);
  const RealId real = lb.add_real(dns, at("10.0.0.2"), 53);
  lb.publish();
  lb.send(client().udp());
  lb.send(client().udp());
  const auto connection = lb.copy_of(client().udp());
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->state, ConnectionState::kUdp);
  EXPECT_EQ(connection->in_packets, 2u);
  // IPVS's connections begin inactive, and UDP has no transition that would change it.
  EXPECT_EQ(active(lb, real), 0u);
  EXPECT_EQ(inactive(lb, real), 1u);
  lb.advance(300001);
  EXPECT_EQ(inactive(lb, real), 0u);
}

// A client asks again when its real has died, or comes to a port anew that it gave up.
TEST_P(Admit, SynAgainLeavesADrainedReal) {
  lb.send(syn());
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  lb.set_weight(one, 0);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  EXPECT_EQ(lb.copy_of(syn())->real, two);
  EXPECT_EQ(active(lb, one), 0u);
  EXPECT_EQ(active(lb, two), 1u);
  EXPECT_EQ(connections(), 1u);
}

TEST_P(Admit, SynAgainLeavesARealThatIsDown) {
  lb.send(syn());
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  lb.remove_real(one);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  EXPECT_EQ(lb.copy_of(syn())->real, two);
  EXPECT_EQ(active(lb, one), 0u);
}

TEST_P(Admit, SynAgainStaysWithARealThatIsUp) {
  lb.send(syn());
  lb.add_real(service, at("10.0.0.2"), 8080);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  EXPECT_EQ(lb.copy_of(syn())->real, one);
}

TEST_P(Admit, SynOnAnEstablishedConnectionStaysThoughItsRealIsDrained) {
  lb.send(syn());
  lb.send(client().tcp(kTcpAck));
  lb.add_real(service, at("10.0.0.2"), 8080);
  lb.set_weight(one, 0);
  lb.publish();
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  EXPECT_EQ(lb.copy_of(syn())->real, one);
}

TEST_P(Admit, SynOnTimeWaitGetsANewRealAndConnection) {
  lb.send(syn());
  lb.send(client().tcp(kTcpAck));
  lb.send(client().tcp(kTcpFin | kTcpAck));
  lb.send(a_packet()
              .from(at("10.0.0.1"), 8080)
              .to(at("198.51.100.7"), 40000)
              .tcp(kTcpFin | kTcpAck)
              .to_mac(kInsideMac),
          kInside);
  ASSERT_EQ(lb.copy_of(syn())->state, ConnectionState::kTimeWait);
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  lb.set_weight(one, 0);
  lb.publish();
  EXPECT_EQ(lb.send(client().tcp(kTcpAck)).summary(), "sent 1")
      << "the last ACK still goes to the old real";
  EXPECT_EQ(lb.send(syn()).summary(), "sent 1");
  EXPECT_EQ(lb.copy_of(syn())->real, two);
  EXPECT_EQ(connections(), 1u);
  EXPECT_EQ(active(lb, one) + inactive(lb, one), 0u);
}

class AdmitOneWay : public InBothFamilies {
 protected:
  PacketBuilder client() const { return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80); }
  // A connection that the client ended by FIN, at a real that is drained since; where a new SYN of it goes.
  RealId real_after_fin(Method method, uint8_t conn_reuse_mode) {
    WorkerFixture lb;
    lb.sysctls().conn_reuse_mode = conn_reuse_mode;
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    const RealId one = lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
    lb.send(client().tcp(kTcpSyn));
    lb.send(client().tcp(kTcpAck));
    lb.send(client().tcp(kTcpFin | kTcpAck));
    EXPECT_EQ(lb.copy_of(client().tcp(kTcpSyn))->state, ConnectionState::kFinWait);
    lb.add_real(service, at("10.0.0.2"), 80);
    lb.set_weight(one, 0);
    lb.publish();
    lb.send(client().tcp(kTcpAck));
    EXPECT_EQ(lb.copy_of(client().tcp(kTcpSyn))->real, one) << "the last ACK still goes to the old real";
    lb.send(client().tcp(kTcpSyn));
    const RealId real = lb.copy_of(client().tcp(kTcpSyn))->real;
    EXPECT_EQ(active(lb, one) + inactive(lb, one), real == one ? 1u : 0u);
    return real;
  }
};

// Under direct and tunnel the real's FIN passes us by: the client's own is all that says that a connection is over.
TEST_P(AdmitOneWay, SynAfterTheClientsFinGetsANewRealWhereBit1SaysSo) {
  for (const Method method : {Method::kDirect, Method::kTunnel}) {
    EXPECT_EQ(real_after_fin(method, 3).index, 1u);
    EXPECT_EQ(real_after_fin(method, 2).index, 1u);
    EXPECT_EQ(real_after_fin(method, 1).index, 0u);
    EXPECT_EQ(real_after_fin(method, 0).index, 0u);
  }
}

TEST_P(Admit, SynOnTimeWaitOrCloseStaysWhereReuseIsOff) {
  lb.sysctls().conn_reuse_mode = 0;
  lb.publish();
  lb.send(syn());
  lb.send(client().tcp(kTcpAck));
  lb.send(client().tcp(kTcpRst));
  ASSERT_EQ(lb.copy_of(syn())->state, ConnectionState::kClose);
  lb.send(syn());
  EXPECT_EQ(lb.counters(one).connections.read(), 1u);
}

TEST_P(Admit, SynOnADrainedRealsConnectionBeginsAnewWithExpireNodestConn) {
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  for (const bool expire : {false, true}) {
    lb.sysctls().expire_nodest_conn = expire;
    lb.set_weight(one, 1);
    lb.set_weight(two, 0);
    lb.publish();
    const uint16_t port = expire ? 40002 : 40001;
    lb.send(syn(port));
    lb.send(client(port).tcp(kTcpAck));
    lb.set_weight(one, 0);
    lb.set_weight(two, 1);
    lb.publish();
    lb.send(client(port).tcp(kTcpAck));
    EXPECT_EQ(lb.copy_of(syn(port))->real, one) << "what is open goes on";
    lb.send(syn(port));
    EXPECT_EQ(lb.copy_of(syn(port))->real, expire ? two : one);
  }
}

TEST_P(Admit, SynOnADownRealsConnectionBeginsAnewWithExpireNodestConn) {
  lb.sysctls().expire_nodest_conn = true;
  const RealId two = lb.add_real(service, at("10.0.0.2"), 8080);
  lb.set_weight(two, 0);
  lb.publish();
  lb.send(syn());
  lb.remove_real(one);
  lb.set_weight(two, 1);
  lb.publish();
  lb.send(syn());
  EXPECT_EQ(lb.copy_of(syn())->real, two);
  EXPECT_EQ(active(lb, one) + inactive(lb, one), 0u);
}

TEST_P(Admit, SynOnCloseGetsANewConnectionButNotOnEstablished) {
  lb.send(syn());
  lb.send(client().tcp(kTcpAck));
  lb.advance(10);
  lb.send(syn());
  EXPECT_EQ(lb.copy_of(syn())->in_packets, 3u) << "the same connection";
  EXPECT_EQ(lb.counters(one).connections.read(), 1u);
  lb.send(client().tcp(kTcpRst));
  ASSERT_EQ(lb.copy_of(syn())->state, ConnectionState::kClose);
  lb.send(syn());
  EXPECT_EQ(lb.copy_of(syn())->state, ConnectionState::kSynRecv);
  EXPECT_EQ(lb.counters(one).connections.read(), 2u);
}

TEST_P(Admit, SynOfAReplyReopensNothing) {
  lb.send(syn());
  lb.send(client().tcp(kTcpAck));
  lb.send(client().tcp(kTcpRst));
  const auto reply = a_packet().from(at("10.0.0.1"), 8080).to(at("198.51.100.7"), 40000).to_mac(kInsideMac);
  lb.send(PacketBuilder(reply).tcp(kTcpSyn), kInside);
  EXPECT_EQ(lb.counters(one).connections.read(), 1u);
}

TEST_P(Admit, BurstOfOneFlowOpensOneConnection) {
  const Outcome outcome =
      lb.send_burst({syn(), syn(), client().tcp(kTcpAck), client().tcp(kTcpAck | kTcpPsh)});
  EXPECT_EQ(outcome.summary(), "sent 1, sent 1, sent 1, sent 1");
  EXPECT_EQ(connections(), 1u);
  EXPECT_EQ(lb.copy_of(syn())->in_packets, 4u);
  EXPECT_EQ(lb.copy_of(syn())->state, ConnectionState::kEstablished);
}

// Least-loaded schedulers see the burst's own earlier connections.
TEST_P(Admit, BurstOfSynsSpreadsAsOneByOneWould) {
  const ServiceId least =
      lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kNat, SchedulerKind::kLc);
  const RealId a = lb.add_real(least, at("10.0.0.11"), 80);
  const RealId b = lb.add_real(least, at("10.0.0.12"), 80);
  lb.publish();
  std::vector<PacketBuilder> syns;
  for (uint16_t port = 1; port <= 20; ++port) syns.push_back(syn(port).to(at("203.0.113.11"), 80));
  lb.send_burst(syns);
  EXPECT_EQ(active(lb, a), 10u);
  EXPECT_EQ(active(lb, b), 10u);
}

TEST_P(Admit, BurstKeepsItsOrder) {
  std::vector<PacketBuilder> packets;
  for (uint16_t i = 0; i < 32; ++i)
    packets.push_back(i % 3 ? syn(i) : client(100).tcp(kTcpSyn).id(i));
  const Outcome outcome = lb.send_burst(packets);
  ASSERT_EQ(outcome.sent.size(), 32u);
  for (size_t i = 0; i < 32; ++i) {
    const size_t source_port = l4_place() + 1;
    EXPECT_EQ(outcome.sent[i].bytes[source_port], packets[i].bytes()[source_port]) << "source port of packet " << i;
  }
}

TEST_P(Admit, ReopeningInABurstServesTheOldPacketsToo) {
  lb.send(syn());
  lb.send(client().tcp(kTcpRst));
  lb.send(client().tcp(kTcpRst));
  const Outcome outcome = lb.send_burst({client().tcp(kTcpRst), syn(), client().tcp(kTcpAck)});
  EXPECT_EQ(outcome.summary(), "sent 1, sent 1, sent 1");
  EXPECT_EQ(connections(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, Admit, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, AdmitOneWay, kBothFamilies, family_name);

class MixedFamilies : public testing::Test {
 protected:
  MixedFamilies() {
    for (const auto& [vip, real] : {std::pair{"203.0.113.10", "10.0.0.1"}, {"2001:db8:ff::10", "2001:db8:1::1"}}) {
      reals.push_back(lb.add_real(lb.add_service(Protocol::kTcp, vip, 80, Method::kNat), real, 8080));
    }
    lb.publish();
  }
  static PacketBuilder syn(uint16_t port, bool is_v6) {
    return (is_v6 ? a_packet().from("2001:db8:ff::7", port).to("2001:db8:ff::10", 80)
                  : a_packet().from("198.51.100.7", port).to("203.0.113.10", 80))
        .tcp(kTcpSyn);
  }

  WorkerFixture lb;
  std::vector<RealId> reals;  // IPv4's, IPv6's
};

TEST_F(MixedFamilies, BurstGoesEachItsOwnWayAndKeepsItsOrder) {
  const auto is_v6 = [](uint16_t i) { return i % 5 == 1 || i % 5 == 2 || i % 5 == 4; };
  std::vector<PacketBuilder> packets;
  for (uint16_t i = 0; i < 32; ++i) packets.push_back(syn(i, is_v6(i)));
  const Outcome outcome = lb.send_burst(packets);
  ASSERT_EQ(outcome.sent.size(), 32u);
  for (uint16_t i = 0; i < 32; ++i) {
    const RealId real = reals[is_v6(i)];
    PacketBuilder expected = packets[i];
    expected.to(is_v6(i) ? "2001:db8:1::1" : "10.0.0.1", 8080).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real));
    EXPECT_EQ(outcome.sent[i].bytes, expected.bytes()) << i << ": " << describe(outcome.sent[i].bytes);
    EXPECT_EQ(lb.copy_of(packets[i])->real, real) << i;
  }
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 13u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 19u);
}

// What one does to its table may not spoil what was fetched of the other's for the packets behind it.
TEST_F(MixedFamilies, BurstOfOpenEndedAndUnknownConnectionsServesEach) {
  lb.send(syn(1, false));
  lb.send(syn(1, true));
  lb.send(syn(2, true));
  lb.send(syn(2, true).tcp(kTcpAck));
  lb.send(syn(2, true).tcp(kTcpRst));
  const Outcome outcome = lb.send_burst({
      syn(3, true), syn(1, false).tcp(kTcpAck), syn(2, true), syn(1, true).tcp(kTcpAck), syn(3, false),
      syn(3, true).tcp(kTcpAck), syn(4, true).tcp(kTcpAck), syn(4, false).tcp(kTcpAck), syn(3, false).tcp(kTcpAck)});
  EXPECT_EQ(outcome.summary(), "sent 1, sent 1, sent 1, sent 1, sent 1, sent 1, sent 1, kernel 0, kernel 0");
  EXPECT_EQ(lb.copy_of(syn(2, true))->state, ConnectionState::kSynRecv) << "reopened";
  for (const bool is_v6 : {false, true}) {
    for (const uint16_t port : {1, 3}) {
      EXPECT_EQ(lb.copy_of(syn(port, is_v6))->state, ConnectionState::kEstablished);
      EXPECT_EQ(lb.copy_of(syn(port, is_v6))->in_packets, 2u);
    }
  }
}

TEST_F(MixedFamilies, ServiceOfOneFamilyTakesNothingOfTheOther) {
  lb.add_real(lb.add_service(Protocol::kTcp, "203.0.113.12", 90, Method::kNat), "10.0.0.2", 8080);
  lb.publish();
  EXPECT_EQ(lb.send(a_packet().from("2001:db8:ff::7", 1).to("2001:db8:ff::10", 90).tcp(kTcpSyn)).summary(),
            "kernel 0");
  // The VIP's bytes, and zeros.
  EXPECT_EQ(lb.send(a_packet().from("2001:db8:ff::7", 1).to("cb00:710a::", 80).tcp(kTcpSyn)).summary(), "kernel 0");
}

}  // namespace
}  // namespace shunt::dataplane
