#include "dataplane/expiry.h"

#include <gmock/gmock.h>

#include "dataplane/family.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kCapacity = 16;

class FullTable : public InBothFamilies {
 protected:
  void serve(Method method, SchedulerKind scheduler = SchedulerKind::kRr) {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method, scheduler);
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"})
      reals.push_back(lb.add_real(service, at(address), 80));
    lb.publish();
  }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  static PacketBuilder query(uint16_t port) { return client(port).to(at("203.0.113.10"), 53).udp(); }
  RealId serve_udp() {
    const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kNat);
    const RealId real = lb.add_real(service, at("10.0.0.9"), 53);
    lb.publish();
    return real;
  }
  void fill(bool established) {
    for (uint16_t port = 1; port <= kCapacity; ++port) {
      ASSERT_EQ(lb.send(client(port).tcp(kTcpSyn)).summary(), "sent 1");
      if (established) lb.send(client(port).tcp(kTcpAck));
    }
    ASSERT_EQ(lb.connections(GetParam()), kCapacity);
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

TEST_P(FullTable, HalfOpenGivesWayToANewConnection) {
  serve(Method::kNat);
  fill(false);
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_TRUE(lb.copy_of(client(100).tcp(kTcpSyn)));
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 1u);
  EXPECT_EQ(connections_on_reals(), kCapacity);
}

TEST_P(FullTable, YoungHalfOpenIsSpared) {
  serve(Method::kNat);
  fill(false);
  lb.worker().now += 999;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "dropped table_full");
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 0u);
}

TEST_P(FullTable, EstablishedIsNeverEvicted) {
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

TEST_P(FullTable, OneHalfOpenAmongEstablishedIsFound) {
  serve(Method::kNat);
  fill(true);
  lb.send(client(7).tcp(kTcpRst));
  lb.send(client(7).tcp(kTcpSyn));  // CLOSE is reopened: now half-open
  ASSERT_EQ(lb.copy_of(client(7).tcp(kTcpSyn))->state, ConnectionState::kSynRecv);
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_FALSE(lb.copy_of(client(7).tcp(kTcpSyn)));
}

TEST_P(FullTable, UdpOfOnePacketGivesWayAndOfMoreDoesNot) {
  serve_udp();
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    lb.send(query(port));
    if (port != 5) lb.send(query(port));
  }
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(query(100)).summary(), "sent 1");
  EXPECT_FALSE(lb.copy_of(query(5)));
  lb.send(query(100));
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(query(101)).summary(), "dropped table_full");
}

TEST_P(FullTable, UdpOfOneRequestThatIsAnsweredStays) {
  serve_udp();
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    lb.send(query(port));
    lb.send(a_packet().from(at("10.0.0.9"), 53).to(at("198.51.100.7"), port).udp());
  }
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(query(100)).summary(), "dropped table_full");
}

TEST_P(FullTable, EvictionInABurstLeavesNoDanglingPacket) {
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
    EXPECT_EQ(outcome.sent[i].bytes[l4_place() + 1], 101 + i) << "source port";
  }
  EXPECT_EQ(connections_on_reals(), lb.connections(GetParam()));
}

TEST_P(FullTable, ExpiredEntryMakesRoom) {
  serve(Method::kNat);
  fill(true);
  lb.worker().now += 900000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_EQ(connections_on_reals(), kCapacity);
}

TEST_P(FullTable, MaglevGoesOnWithoutTracking) {
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

TEST_P(FullTable, MaglevUnderNatCannotGoUntracked) {
  serve(Method::kNat, SchedulerKind::kMh);
  fill(true);
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "dropped table_full");
}

TEST_P(FullTable, UntrackedTunnelPacketsAreWrapped) {
  serve(Method::kTunnel, SchedulerKind::kMh);
  fill(true);
  const Outcome outcome = lb.send(client(100).tcp(kTcpSyn));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("ipip ["));
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
}

// The tables are apart: one that is full costs the other's connections nothing, half-open as they may be.
TEST_P(FullTable, OtherFamilysTableIsLeftAlone) {
  const auto other = [](const char* ipv4) {
    return in_family(is_v6() ? AddressFamily::kIpv4 : AddressFamily::kIpv6, ipv4);
  };
  const auto other_client = [&](uint16_t port) {
    return a_packet().from(other("198.51.100.7"), port).to(other("203.0.113.10"), 80).tcp(kTcpSyn);
  };
  lb.add_real(lb.add_service(Protocol::kTcp, other("203.0.113.10"), 80, Method::kNat), other("10.0.0.1"), 80);
  serve(Method::kNat);
  for (uint16_t port = 1; port < kCapacity; ++port) lb.send(other_client(port));
  fill(true);
  lb.worker().now += 1000;
  EXPECT_EQ(lb.send(client(100).tcp(kTcpSyn)).summary(), "dropped table_full");
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 0u);
  for (uint16_t port = 1; port < kCapacity; ++port) EXPECT_TRUE(lb.copy_of(other_client(port))) << port;
  EXPECT_EQ(lb.send(other_client(100)).summary(), "sent 1") << "it has room";
  EXPECT_EQ(lb.send(other_client(101)).summary(), "sent 1") << "it makes room";
  EXPECT_EQ(lb.worker().counters.half_open_evicted.read(), 1u);
  for (uint16_t port = 1; port <= kCapacity; ++port) {
    EXPECT_EQ(lb.send(client(port).tcp(kTcpAck)).summary(), "sent 1") << port;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FullTable, kBothFamilies, family_name);

class Sweep : public InBothFamilies {
 protected:
  static Upkeep& upkeep_of(Worker& worker) { return is_v6() ? worker.upkeep6 : worker.upkeep; }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  static void owe(Worker& worker, uint32_t entries) {
    if (is_v6()) owe_sweep<Ipv6>(worker, entries);
    else owe_sweep<Ipv4>(worker, entries);
  }
  static RealId serve(WorkerFixture& lb, Protocol protocol) {
    const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kNat);
    const RealId real = lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
    return real;
  }
};

TEST_P(Sweep, GivesBackWhatIsPastItsTimeAndNothingElse) {
  WorkerFixture lb(1, 64);
  const RealId real = serve(lb, Protocol::kTcp);
  for (uint16_t port = 1; port <= 40; ++port) {
    lb.send(client(port).tcp(kTcpSyn));
    if (port % 2) lb.send(client(port).tcp(kTcpAck));
  }
  lb.advance(60000);
  EXPECT_EQ(lb.connections(GetParam()), 20u);
  EXPECT_EQ(lb.counters(real).active.load(), 20u);
  for (uint16_t port = 1; port <= 40; ++port) {
    EXPECT_EQ(lb.copy_of(client(port).tcp(kTcpSyn)).has_value(), port % 2 == 1) << port;
  }
}

TEST_P(Sweep, PollLooksAtABoundedNumberOfEntries) {
  constexpr uint32_t kBusy = kEntriesPerConnection * kSmallBurst;
  WorkerFixture lb(1, 4096);
  Worker& worker = lb.worker();
  serve(lb, Protocol::kUdp);
  for (uint16_t port = 1; port <= 2000; ++port) lb.send(client(port).udp());
  worker.now += 300000;
  upkeep_of(worker).sweep_owed = 4096;
  sweep(worker, true);
  EXPECT_EQ(lb.connections(GetParam()), 2000u - kBusy);
  sweep(worker, false);
  EXPECT_EQ(lb.connections(GetParam()), 2000u - kBusy - 1024u);
}

TEST_P(Sweep, KeepsPaceWithNewConnectionsWithoutTheClocksHelp) {
  constexpr uint32_t kEntries = 1024;
  WorkerFixture lb(1, kEntries);
  Worker& worker = lb.worker();
  serve(lb, Protocol::kUdp);
  uint32_t most = 0;
  for (uint16_t port = 1; port <= 10 * kEntries; ++port) {
    ASSERT_EQ(lb.send(client(port).udp()).summary(), "sent 1");
    worker.now += 300000;  // the end of every connection so far
    sweep(worker, true);
    most = std::max(most, lb.connections(GetParam()));
  }
  EXPECT_LE(most, kEntries / 4 + 1);
  EXPECT_EQ(worker.counters.half_open_evicted.read(), 0u);
}

TEST_P(Sweep, OwesAtMostOneWalk) {
  WorkerFixture lb(1, 1000);
  owe(lb.worker(), 999);
  owe(lb.worker(), 999);
  EXPECT_EQ(upkeep_of(lb.worker()).sweep_owed, 1000u);
  EXPECT_EQ(lb.worker().upkeep.sweep_owed + lb.worker().upkeep6.sweep_owed, 1000u) << "of one table";
}

TEST_P(Sweep, WalkIsDoneInAboutASecond) {
  WorkerFixture lb(1, 1000);
  uint64_t owed = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    owed += is_v6() ? sweep_share(lb.worker().connections6, 1) : sweep_share(lb.worker().connections, 1);
  }
  EXPECT_GE(owed, 1000u);
  EXPECT_LE(owed, 2000u);
}

INSTANTIATE_TEST_SUITE_P(Families, Sweep, kBothFamilies, family_name);

TEST(SweepOfBoth, EachTablesPassedConnectionsEndInOneWalk) {
  WorkerFixture lb(1, 64);
  std::vector<RealId> reals;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const ServiceId service = lb.add_service(Protocol::kUdp, in_family(family, "203.0.113.10"), 53, Method::kNat);
    reals.push_back(lb.add_real(service, in_family(family, "10.0.0.1"), 53));
    lb.publish();
    for (uint16_t port = 1; port <= 40; ++port) {
      lb.send(a_packet()
                  .from(in_family(family, "198.51.100.7"), port)
                  .to(in_family(family, "203.0.113.10"), 53)
                  .udp());
      if (port == 20) lb.worker().now += 1000;
    }
    lb.worker().now -= 1000;
  }
  lb.advance(300000);
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    EXPECT_EQ(lb.connections(family), 20u);
    EXPECT_EQ(lb.counters(reals[family == AddressFamily::kIpv6]).inactive.load(), 20u);
  }
  lb.advance(1000);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4) + lb.connections(AddressFamily::kIpv6), 0u);
}

// Two services of either family; every connection of an expired real ends, in steps, and no other.
TEST(ExpiryOfReals, ConnectionsOfExpiredRealsEndInBothTables) {
  WorkerFixture lb(1, 3000);
  std::vector<RealId> reals;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const ServiceId service = lb.add_service(Protocol::kTcp, in_family(family, "203.0.113.10"), 80, Method::kNat);
    for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
      reals.push_back(lb.add_real(service, in_family(family, address), 80));
    }
  }
  lb.publish();
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (uint16_t port = 1; port <= 2000; ++port) {
      lb.send(a_packet()
                  .from(in_family(family, "198.51.100.7"), port)
                  .to(in_family(family, "203.0.113.10"), 80)
                  .tcp(kTcpSyn));
    }
  }
  const auto on = [&](size_t real) { return lb.counters(reals[real]).active.load(); };
  const auto run = [&](int steps) {
    for (int i = 0; i < steps; ++i) expire_reals(lb.worker(), lb.snapshot());
  };
  run(10);
  EXPECT_EQ(on(0), 1000u);
  lb.expire_real(reals[0]);
  lb.publish();
  run(1);
  EXPECT_GT(on(0), 0u) << "a step at a time";
  run(10);
  EXPECT_EQ(on(0), 0u);
  EXPECT_EQ(on(1), 1000u);
  EXPECT_EQ(on(2), 1000u);
  lb.expire_real(reals[3]);
  lb.publish();
  run(20);
  EXPECT_EQ(on(1), 1000u);
  EXPECT_EQ(on(2), 1000u);
  EXPECT_EQ(on(3), 0u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 1000u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 1000u);
}

}  // namespace
}  // namespace shunt::dataplane
