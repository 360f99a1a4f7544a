// What explain() tells is what the next packet meets, and asking changes nothing.
#include "dataplane/explain.h"

#include <gmock/gmock.h>

#include <cstring>

#include "dataplane/schedulers/scheduler.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr SchedulerKind kAll[] = {SchedulerKind::kRr,   SchedulerKind::kWrr,  SchedulerKind::kLc,  SchedulerKind::kWlc,
                                  SchedulerKind::kMh,   SchedulerKind::kSed,  SchedulerKind::kNq,  SchedulerKind::kSh,
                                  SchedulerKind::kDh,   SchedulerKind::kFo,   SchedulerKind::kOvf, SchedulerKind::kTwos,
                                  SchedulerKind::kLblc, SchedulerKind::kLblcr, SchedulerKind::kConhash};

// All that a choice could move: cursors, counters, templates.
std::vector<std::byte> memory_of(WorkerFixture& lb, size_t reals) {
  std::vector<std::byte> all;
  const auto add = [&](const void* from, size_t bytes) {
    const auto* begin = static_cast<const std::byte*>(from);
    all.insert(all.end(), begin, begin + bytes);
  };
  Worker& worker = lb.worker();
  add(worker.cursors, 4 * sizeof(Cursor));
  add(worker.real_counters, reals * sizeof(RealCounters));
  add(&worker.counters, sizeof worker.counters);
  add(&worker.local_port_search, sizeof worker.local_port_search);
  for (const TemplateCopy& copy : lb.templates()) {
    add(&copy.real, sizeof copy.real);
    add(&copy.connections, sizeof copy.connections);
    add(&copy.expires_in_ms, sizeof copy.expires_in_ms);
  }
  const uint32_t used = worker.connections.used() + worker.connections6.used();
  add(&used, sizeof used);
  return all;
}

Explanation explained(WorkerFixture& lb, const IpFlow& flow, uint16_t port = kOutside, uint32_t worker = 0) {
  Explanation told;
  told.flow = flow;
  told.in_port = port;
  explain(lb.worker(worker), lb.snapshot(), told);
  return told;
}

IpFlow flow_of(std::string_view client, uint16_t client_port, std::string_view vip, uint16_t vip_port,
               uint8_t protocol = kIpProtocolTcp) {
  return {ip(client), ip(vip), Be16::from_host(client_port), Be16::from_host(vip_port), protocol};
}

// Clients that come, stay half open, go on and end, of a service whose reals differ in weight; before each packet it is
// asked what becomes of it.
class Explain : public testing::TestWithParam<SchedulerKind> {
 protected:
  void build(Method method, bool has_thresholds, bool is_persistent, bool has_sorry) {
    service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, method, GetParam());
    lb.add_vip(service, "203.0.113.11", 80, 80);
    const uint32_t weights[] = {3, 1, 2, 0, 5};
    for (uint32_t i = 0; i < 5; ++i) {
      reals.push_back(lb.add_real(service, "10.0.0." + std::to_string(i + 1), 8080, weights[i]));
    }
    if (has_thresholds) {
      for (const RealId real : reals) lb.set_thresholds(real, {4, 2});
    }
    if (is_persistent) lb.set_persistence(service, {300'000, 31});
    if (has_sorry) {
      const RealId sorry = lb.add_real(service, "10.0.0.9", 8080, 1);
      lb.make_sorry(sorry);
      reals.push_back(sorry);
    }
    if (method == Method::kFullnat) {
      for (const char* local : {"10.0.0.200", "10.0.0.201"}) lb.add_local_address(service, local);
    }
    lb.worker().cursors[service.index].random = 4711;
    lb.publish();
  }

  // Asks, sends, compares.
  void ask_and_send(uint32_t client, uint16_t port, bool is_second_vip) {
    const std::string from = "198.51.100." + std::to_string(client);
    const std::string vip = is_second_vip ? "203.0.113.11" : "203.0.113.10";
    const IpFlow flow = flow_of(from, port, vip, 80);
    const PacketBuilder syn = a_packet().from(from, port).to(vip, 80).tcp(kTcpSyn);
    const auto before = memory_of(lb, reals.size());
    const Explanation told = explained(lb, flow);
    ASSERT_EQ(explained(lb, flow).choice.real, told.choice.real) << "asked twice";
    ASSERT_EQ(memory_of(lb, reals.size()), before) << "asking changes nothing";
    lb.send(syn);
    const auto copy = lb.copy_of(syn);
    if (told.connection && !told.begins_anew) {
      ASSERT_TRUE(copy);
      ASSERT_EQ(copy->real, told.connection->real);
      return;
    }
    ++asked;
    ASSERT_EQ(copy ? copy->real : kNoReal, told.has_reply ? told.choice.real : kNoReal) << from << ":" << port;
    if (copy) {
      ++given;
      ASSERT_EQ(copy->reply, told.reply);
    }
  }

  // Some answer, some end, some time goes by.
  void live(uint32_t round) {
    const auto client = 1 + round * 7 % 23;
    const auto port = static_cast<uint16_t>(1000 + round % 11);
    ask_and_send(client, port, round % 3 == 0);
    if (HasFatalFailure()) return;
    const PacketBuilder packet = a_packet()
                                     .from("198.51.100." + std::to_string(client), port)
                                     .to(round % 3 == 0 ? "203.0.113.11" : "203.0.113.10", 80);
    if (round % 2 == 0) lb.send(PacketBuilder(packet).tcp(kTcpAck));
    if (round % 5 == 0) lb.send(PacketBuilder(packet).tcp(kTcpRst));
    if (round % 13 == 0) lb.worker().now += 11'000;  // past the time of what was reset, which nobody sweeps
    if (round % 29 == 0) {
      lb.set_weight(reals[round % 4], round % 4 + (round % 58 == 0 ? 1 : 0));
      lb.publish();
    }
    if (round % 61 == 0) lb.advance(1000);
  }
  void live_long() {
    for (uint32_t round = 1; round <= 400; ++round) {
      SCOPED_TRACE(round);
      live(round);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(asked, 100u);
    EXPECT_GT(given, 20u);
  }

  WorkerFixture lb{1, 1024};
  ServiceId service;
  std::vector<RealId> reals;
  int asked = 0;
  int given = 0;
};

TEST_P(Explain, TellsTheRealThatTheNextPacketGets) {
  build(Method::kDirect, false, false, false);
  live_long();
}

TEST_P(Explain, TellsItWithThresholdsAndSorryReals) {
  build(Method::kDirect, true, false, true);
  live_long();
}

TEST_P(Explain, TellsItOfPersistentClients) {
  build(Method::kNat, true, true, true);
  live_long();
}

TEST_P(Explain, TellsTheLocalAddressAndPort) {
  build(Method::kFullnat, false, false, false);
  live_long();
}

INSTANTIATE_TEST_SUITE_P(Scheduler, Explain, testing::ValuesIn(kAll),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST(ExplainOne, APacketOfAConnectionGoesWithIt) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
  const RealId real = lb.add_real(service, "10.0.0.1", 8080);
  lb.publish();
  lb.send(a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpSyn));
  const Explanation told = explained(lb, flow_of("198.51.100.7", 40000, "203.0.113.10", 80));
  ASSERT_TRUE(told.connection);
  EXPECT_EQ(told.connection->real, real);
  EXPECT_EQ(told.connection->state, ConnectionState::kSynRecv);
  EXPECT_EQ(told.connection->expires_in_ms, 60'000);
  EXPECT_FALSE(told.begins_anew);
  EXPECT_EQ(told.real->way_out.destination_mac, real_mac(real));
  const Explanation back = explained(lb, flow_of("10.0.0.1", 8080, "198.51.100.7", 40000), kInside);
  ASSERT_TRUE(back.connection);
  EXPECT_EQ(back.direction, Direction::kReply);
}

TEST(ExplainOne, WhatIsForNoServiceIsTold) {
  WorkerFixture lb;
  lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
  lb.publish();
  const Explanation told = explained(lb, flow_of("198.51.100.7", 40000, "203.0.113.10", 81));
  EXPECT_EQ(told.service, kNoService);
  EXPECT_TRUE(told.destination_kinds & bit(AddressSlot::Kind::kVip));
  EXPECT_EQ(explained(lb, flow_of("198.51.100.7", 40000, "192.0.2.99", 80)).destination_kinds, 0);
}

TEST(ExplainOne, ANextHopThatIsMissingIsTold) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kDirect);
  const RealId real = lb.add_real(service, "10.0.0.1", 53);
  lb.unresolve(real);
  lb.publish();
  const IpFlow flow = flow_of("198.51.100.7", 40000, "203.0.113.10", 53, kIpProtocolUdp);
  EXPECT_EQ(explained(lb, flow).route.kind, Route::Kind::kUnresolved);
  lb.remove_routes();
  lb.publish();
  EXPECT_EQ(explained(lb, flow).route.kind, Route::Kind::kNoRoute);
}

TEST(ExplainOne, TheWorkerThatNatsClientNamesIsTold) {
  WorkerFixture lb(4);
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
  lb.add_real(service, "10.0.0.1", 8080);
  lb.publish();
  for (uint16_t port = 1000; port < 1040; ++port) {
    const Explanation told = explained(lb, flow_of("198.51.100.7", port, "203.0.113.10", 80), kOutside, 1);
    const Outcome outcome =
        lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 80).tcp(kTcpSyn), kOutside, 1);
    const uint32_t went_to = outcome.handed_to.empty() ? 1 : outcome.handed_to[0];
    EXPECT_EQ(told.owner, went_to);
    EXPECT_TRUE(told.steered_to);
    lb.serve_inbox(went_to);
  }
}

TEST(ExplainOne, AnotherConnectionsReplyIsToldAsTheReasonOfADrop) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
  lb.add_vip(service, "203.0.113.11", 80, 80);
  lb.add_real(service, "10.0.0.1", 8080);
  lb.publish();
  lb.send(a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpSyn));
  EXPECT_FALSE(explained(lb, flow_of("198.51.100.7", 40000, "203.0.113.11", 80)).has_reply);
  EXPECT_EQ(lb.send(a_packet().from("198.51.100.7", 40000).to("203.0.113.11", 80).tcp(kTcpSyn)).summary(),
            "dropped local_ports_exhausted");
}

TEST(ExplainOne, ALeastLoadedServiceOfManyRealsIsToldBetweenItsRefreshes) {
  constexpr uint32_t kReals = 200;
  WorkerFixture lb(2, 4096);
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kDirect, SchedulerKind::kWlc);
  for (uint32_t i = 0; i < kReals; ++i) lb.add_real(service, "10.0.0." + std::to_string(i + 1), 53, 1 + i % 3);
  lb.publish();
  std::vector<SharedLoad> others(256);
  lb.worker().shared_loads = {others.data(), 2, load_phase_of(1, 2)};
  for (uint32_t round = 0; round < 500; ++round) {
    if (round % 50 == 0) {
      for (uint32_t i = 0; i < kReals; ++i) {
        others[i].others = Counts{(round + i * 7) % 5, i % 3}.packed();
        others[i].own = Loads(lb.worker().real_counters).counts({i}).packed();
      }
      ++lb.worker().loads_epoch;
    }
    const auto port = static_cast<uint16_t>(1000 + round);
    const PacketBuilder packet = a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp();
    const Explanation told = explained(lb, flow_of("198.51.100.7", port, "203.0.113.10", 53, kIpProtocolUdp));
    lb.send(packet);
    ASSERT_TRUE(lb.copy_of(packet));
    ASSERT_EQ(lb.copy_of(packet)->real, told.choice.real) << round;
  }
}

}  // namespace
}  // namespace shunt::dataplane
