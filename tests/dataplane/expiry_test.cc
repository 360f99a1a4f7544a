#include "dataplane/expiry.h"

#include <gmock/gmock.h>

#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kCapacity = 16;

class FullTable : public testing::Test {
 protected:
  void serve(Method method, SchedulerKind scheduler = SchedulerKind::kRr) {
    const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, method, scheduler);
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"})
      reals.push_back(lb.add_real(service, address, 80));
    lb.publish();
  }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
  }
  void fill(bool established) {
    for (uint16_t port = 1; port <= kCapacity; ++port) {
      ASSERT_EQ(lb.send(client(port).tcp(kTcpSyn)).summary(), "sent 1");
      if (established) lb.send(client(port).tcp(kTcpAck));
    }
    ASSERT_TRUE(lb.worker().connections.is_full());
  }
  uint32_t connections_on_reals() {
    uint32_t all = 0;
    for (const RealId real : reals)
      all += lb.counters(real).active.load() + lb.counters(real).inactive.load();
    return all;
  }

  WorkerFixture lb{1, kCapacity};
  std::vector<RealId> reals;
};

TEST_F(FullTable, HalfOpenGivesWayToANewConnection) {
  serve(Method::kNat);
  fill(false);
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_NE(lb.connection_of(client(100).tcp(kTcpSyn)), nullptr);
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 1u);
  EXPECT_EQ(connections_on_reals(), kCapacity);
}

TEST_F(FullTable, YoungHalfOpenIsSpared) {
  serve(Method::kNat);
  fill(false);
  lb.worker().now += 999;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "dropped table_full");
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 0u);
}

TEST_F(FullTable, EstablishedIsNeverEvicted) {
  serve(Method::kNat);
  fill(true);
  lb.worker().now += 5000;
  for (uint16_t port = 100; port < 200; ++port) {
    EXPECT_EQ(lb.send(client(port).tcp(kTcpSyn)).summary(), "dropped table_full");
  }
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    EXPECT_EQ(lb.send(client(port).tcp(kTcpAck)).summary(), "sent 1") << port;
  }
}

TEST_F(FullTable, OneHalfOpenAmongEstablishedIsFound) {
  serve(Method::kNat);
  fill(true);
  lb.send(client(7).tcp(kTcpRst));
  lb.send(client(7).tcp(kTcpSyn));  // CLOSE is reopened: now half-open
  ASSERT_EQ(lb.connection_of(client(7).tcp(kTcpSyn))->state, ConnectionState::kSynRecv);
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_EQ(lb.connection_of(client(7).tcp(kTcpSyn)), nullptr);
}

TEST_F(FullTable, UdpOfOnePacketGivesWayAndOfMoreDoesNot) {
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kNat);
  lb.add_real(service, "10.0.0.9", 53);
  lb.publish();
  const auto query = [](uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp();
  };
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    lb.send(query(port));
    if (port != 5) lb.send(query(port));
  }
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(query(100)).summary(), "sent 1");
  EXPECT_EQ(lb.connection_of(query(5)), nullptr);
  lb.send(query(100));
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(query(101)).summary(), "dropped table_full");
}

TEST_F(FullTable, UdpOfOneRequestThatIsAnsweredStays) {
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kNat);
  lb.add_real(service, "10.0.0.9", 53);
  lb.publish();
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp());
    lb.send(a_packet().from("10.0.0.9", 53).to("198.51.100.7", port).udp());
  }
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(a_packet().from("198.51.100.7", 100).to("203.0.113.10", 53).udp()).summary(), "dropped table_full");
}

TEST_F(FullTable, EvictionInABurstLeavesNoDanglingPacket) {
  serve(Method::kNat);
  fill(false);
  lb.worker().now += 1000;
  // The last packets' connections were there when the burst began, and are evicted by the SYNs before them.
  std::vector<PacketBuilder> packets;
  for (uint16_t port = 101; port <= 100 + kCapacity; ++port)
    packets.push_back(client(port).tcp(kTcpSyn));
  for (uint16_t port = 1; port <= kCapacity; ++port) packets.push_back(client(port).tcp(kTcpAck));
  const Outcome outcome = lb.send_burst(packets);
  EXPECT_EQ(outcome.to_kernel.size(), kCapacity) << "of no connection: Linux answers with a reset";
  ASSERT_EQ(outcome.sent.size(), kCapacity);
  for (uint32_t i = 0; i < kCapacity; ++i) {
    EXPECT_EQ(checksum_errors(outcome.sent[i].bytes), "");
    EXPECT_EQ(outcome.sent[i].bytes[35], 101 + i) << "source port";
  }
  EXPECT_EQ(connections_on_reals(), lb.worker().connections.used());
}

TEST_F(FullTable, ExpiredEntryMakesRoom) {
  serve(Method::kNat);
  fill(true);
  lb.worker().now += 900000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_EQ(connections_on_reals(), kCapacity);
}

TEST_F(FullTable, MaglevGoesOnWithoutTracking) {
  serve(Method::kDirect, SchedulerKind::kMh);
  fill(true);
  const Outcome first = lb.send(client(100).tcp(kTcpSyn));
  ASSERT_EQ(first.summary(), "sent 1");
  EXPECT_EQ(lb.worker().counters.untracked_packets.read(), 1u);
  // The flow's later packets go to the same real, though nothing remembers it.
  for (const uint8_t flags : {+kTcpAck, kTcpAck | kTcpPsh, kTcpFin | kTcpAck}) {
    const Outcome next = lb.send(client(100).tcp(flags));
    ASSERT_EQ(next.summary(), "sent 1");
    EXPECT_EQ(Bytes(next.sent[0].bytes.begin(), next.sent[0].bytes.begin() + 6),
              Bytes(first.sent[0].bytes.begin(), first.sent[0].bytes.begin() + 6));
  }
  EXPECT_EQ(lb.worker().counters.untracked_packets.read(), 4u);
}

TEST_F(FullTable, MaglevUnderNatCannotGoUntracked) {
  serve(Method::kNat, SchedulerKind::kMh);
  fill(true);
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "dropped table_full");
}

TEST_F(FullTable, UntrackedTunnelPacketsAreWrapped) {
  serve(Method::kTunnel, SchedulerKind::kMh);
  fill(true);
  const Outcome outcome = lb.send(client(100).tcp(kTcpSyn));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("ipip ["));
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
}

TEST(Sweep, GivesBackWhatIsPastItsTimeAndNothingElse) {
  WorkerFixture lb(1, 64);
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
  const RealId real = lb.add_real(service, "10.0.0.1", 80);
  lb.publish();
  const auto client = [](uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
  };
  for (uint16_t port = 1; port <= 40; ++port) {
    lb.send(client(port).tcp(kTcpSyn));
    if (port % 2) lb.send(client(port).tcp(kTcpAck));
  }
  lb.advance(60000);
  EXPECT_EQ(lb.worker().connections.used(), 20u);
  EXPECT_EQ(lb.counters(real).active.load(), 20u);
  for (uint16_t port = 1; port <= 40; ++port) {
    EXPECT_EQ(lb.connection_of(client(port).tcp(kTcpSyn)) != nullptr, port % 2 == 1) << port;
  }
}

TEST(Sweep, PollLooksAtABoundedNumberOfEntries) {
  WorkerFixture lb(1, 4096);
  Worker& worker = lb.worker();
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kNat);
  lb.add_real(service, "10.0.0.1", 53);
  lb.publish();
  for (uint16_t port = 1; port <= 2000; ++port) {
    lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp());
  }
  worker.now += 300000;
  worker.sweep_owed = 4096;
  sweep(worker, true);
  EXPECT_EQ(worker.connections.used(), 2000u - 128u);
  sweep(worker, false);
  EXPECT_EQ(worker.connections.used(), 2000u - 128u - 1024u);
}

TEST(Sweep, KeepsPaceWithNewConnectionsWithoutTheClocksHelp) {
  constexpr uint32_t kEntries = 1024;
  WorkerFixture lb(1, kEntries);
  Worker& worker = lb.worker();
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kNat);
  lb.add_real(service, "10.0.0.1", 53);
  lb.publish();
  uint32_t most = 0;
  for (uint16_t port = 1; port <= 10 * kEntries; ++port) {
    ASSERT_EQ(lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp()).summary(), "sent 1");
    worker.now += 300000;  // the end of every connection so far
    sweep(worker, true);
    most = std::max(most, worker.connections.used());
  }
  EXPECT_LE(most, kEntries / 4 + 1);
  EXPECT_EQ(worker.counters.half_open_evicted.read(), 0u);
}

TEST(Sweep, OwesAtMostOneWalk) {
  WorkerFixture lb(1, 1000);
  owe_sweep(lb.worker(), 999);
  owe_sweep(lb.worker(), 999);
  EXPECT_EQ(lb.worker().sweep_owed, 1000u);
}

TEST(Sweep, WalkIsDoneInAboutASecond) {
  WorkerFixture lb(1, 1000);
  uint64_t owed = 0;
  for (int ms = 0; ms < 1000; ++ms) owed += sweep_share(lb.worker(), 1);
  EXPECT_GE(owed, 1000u);
  EXPECT_LE(owed, 2000u);
}

}  // namespace
}  // namespace shunt::dataplane
