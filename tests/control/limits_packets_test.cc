// Limits, seen from the packets: what gets through of how many, on one worker and on several, and what the others are told.
#include <gmock/gmock.h>

#include "control/limits_builder.h"
#include "tests/dataplane/answers.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::control {
namespace {

using namespace dataplane;
using namespace test;

class LimitsPackets : public InBothFamilies {
 protected:
  // Of a lb that lives shorter than this.
  void limit(WorkerFixture& lb, ServiceId service, std::vector<RealId> reals, const Limits& limits, uint32_t workers = 1) {
    memories.push_back(std::make_unique<LimitsMemory>(limits, GetParam(), workers));
    ServiceLimits& built = memories.back()->limits();
    reals_of = reals;
    limited = std::vector<LimitedService>(service.index + 1);
    limited[service.index] = {&built, reals_of};
    lb.service(service).has_limits = true;
    for (const RealId real : reals) lb.real(real).set_rates(built.has_packet_rates());
    lb.amend = [this](Snapshot& snapshot) { snapshot.limited = limited; };
    lb.publish();
  }
  struct Bed {
    ServiceId service;
    RealId real;
  };
  Bed add(WorkerFixture& lb, Method method = Method::kNat, Protocol protocol = Protocol::kTcp) {
    const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, method);
    return {service, lb.add_real(service, at("10.0.0.1"), method == Method::kNat ? 8080 : 0)};
  }
  static PacketBuilder from(const char* client, uint16_t port = 40000) {
    return a_packet().from(at(client), port).to(at("203.0.113.10"), 80);
  }
  // How many of `count` SYNs of a client open a connection.
  int opened(WorkerFixture& lb, const char* client, uint16_t first_port, int count, uint32_t worker = 0) {
    int sent = 0;
    for (int i = 0; i < count; ++i) {
      const auto port = static_cast<uint16_t>(first_port + i);
      sent += lb.send(from(client, port).tcp(kTcpSyn), kOutside, worker).summary() == "sent 1" ? 1 : 0;
    }
    return sent;
  }
  static ServiceCounters& counters(WorkerFixture& lb, ServiceId service) {
    return lb.worker().service_counters[service.index];
  }
  static LimitValues with_new_connections(uint32_t per_second, int burst_ms) {
    return {.new_connections = per_second, .burst = Milliseconds(burst_ms)};
  }

  std::vector<std::unique_ptr<LimitsMemory>> memories;
  std::vector<RealId> reals_of;
  std::vector<LimitedService> limited;
};

TEST_P(LimitsPackets, NewConnectionsComeAtTheRate) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  limit(lb, service, {real}, {with_new_connections(100, 50)});
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 20), 5);
  EXPECT_EQ(lb.drops(DropReason::kNewConnectionLimit), 15u);
  EXPECT_EQ(counters(lb, service).limited[0].read(), 15u);
  EXPECT_EQ(lb.connections(GetParam()), 5u);
  EXPECT_EQ(lb.send(from("198.51.100.7", 1).tcp(kTcpAck)).summary(), "sent 1") << "a connection's packet is no new one";
  lb.advance(20);
  EXPECT_EQ(opened(lb, "198.51.100.8", 1, 20), 2);
}

TEST_P(LimitsPackets, WhoIsOneTooManyIsToldSo) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  Limits limits{with_new_connections(1, 10)};
  limits.on_excess = Refusal::kProhibited;
  limit(lb, service, {real}, limits);
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 1), 1);
  const PacketBuilder packet = from("198.51.100.7", 2).tcp(kTcpSyn);
  const Outcome outcome = lb.send(packet);
  ASSERT_EQ(outcome.sent.size(), 1u);
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  PacketBuilder answer = answer_to(packet, Answer::kProhibited);
  answer.from(at("203.0.113.10")).to(at("198.51.100.7")).from_mac(kOutsideMac).to_mac(kGatewayMac);
  EXPECT_EQ(describe(outcome.sent[0].bytes), describe(answer.bytes()));
  EXPECT_EQ(lb.drops(DropReason::kNewConnectionLimit), 1u);
}

TEST_P(LimitsPackets, PacketsOfBothDirectionsCount) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  limit(lb, service, {real}, {{.packets = 1000, .burst = Milliseconds(10)}});
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 1), 1);
  const PacketBuilder reply =
      a_packet().from(at("10.0.0.1"), 8080).to(at("198.51.100.7"), 1).from_mac(real_mac(real)).to_mac(kInsideMac)
          .tcp(kTcpSyn | kTcpAck);
  int sent = 0;
  for (int i = 0; i < 20; ++i) {
    const bool is_reply = i % 2 == 0;
    const PacketBuilder packet = is_reply ? reply : from("198.51.100.7", 1).tcp(kTcpAck);
    sent += lb.send(packet, is_reply ? kInside : kOutside).sent.empty() ? 0 : 1;
  }
  EXPECT_EQ(sent, 9) << "the SYN was the first of ten";
  EXPECT_EQ(lb.drops(DropReason::kPacketLimit), 11u);
  EXPECT_EQ(counters(lb, service).limited[1].read(), 11u);
}

TEST_P(LimitsPackets, BitsCountThePacketsBytes) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  // 1,000,000 bytes a second; the burst is one packet of any size.
  limit(lb, service, {real}, {{.kilobits = 8'000, .burst = Milliseconds(10)}});
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 1), 1);
  uint64_t bytes = 0;
  for (int i = 0; i < 200; ++i) {
    const PacketBuilder packet = from("198.51.100.7", 1).tcp(kTcpAck).payload_of(1000);
    if (!lb.send(packet).sent.empty()) bytes += packet.ip_bytes().size();
  }
  EXPECT_GT(bytes, 62'000u);
  EXPECT_LE(bytes, 65'535u);
  EXPECT_GT(lb.drops(DropReason::kBitLimit), 0u);
  lb.advance(20);
  int sent = 0;
  for (int i = 0; i < 100; ++i) sent += lb.send(from("198.51.100.7", 1).tcp(kTcpAck).payload_of(1000)).sent.empty() ? 0 : 1;
  EXPECT_NEAR(sent, 19, 1) << "20,000 bytes";
}

TEST_P(LimitsPackets, ConnectionsAtATimeAreTheServices) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  limit(lb, service, {real}, {{.connections = 4}});
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 10), 4);
  EXPECT_EQ(lb.drops(DropReason::kConnectionLimit), 6u);
  // One of them ends.
  lb.send(from("198.51.100.7", 1).tcp(kTcpAck));
  lb.send(from("198.51.100.7", 1).tcp(kTcpRst));
  lb.advance(11'000);
  EXPECT_EQ(opened(lb, "198.51.100.8", 1, 10), 1);
}

TEST_P(LimitsPackets, AllWorkersTogetherHaveNoMoreConnectionsThanThat) {
  WorkerFixture lb(3);
  const auto [service, real] = add(lb, Method::kDirect);
  limit(lb, service, {real}, {{.connections = 40}}, 3);
  int all = 0;
  for (int round = 0; round < 30; ++round) {
    for (uint32_t worker = 0; worker < 3; ++worker) {
      all += opened(lb, "198.51.100.7", static_cast<uint16_t>(1 + 100 * worker + round), 1, worker);
      EXPECT_LE(lb.connections(GetParam(), 0) + lb.connections(GetParam(), 1) + lb.connections(GetParam(), 2), 40u);
    }
  }
  EXPECT_EQ(all, 40);
}

TEST_P(LimitsPackets, ConnectionsThatThereAreCountAgainstALimitThatIsNew) {
  WorkerFixture lb(2);
  const auto [service, real] = add(lb, Method::kDirect);
  lb.publish();
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 10, 1), 10);
  limit(lb, service, {real}, {{.connections = 12}}, 2);
  for (uint32_t worker = 0; worker < 2; ++worker) return_places(lb.worker(worker), lb.snapshot());
  EXPECT_EQ(opened(lb, "198.51.100.7", 100, 10, 0), 2);
}

TEST_P(LimitsPackets, PlacesThatAWorkerDoesNotNeedAreGivenBack) {
  WorkerFixture lb(2);
  const auto [service, real] = add(lb, Method::kDirect);
  limit(lb, service, {real}, {{.connections = 64}}, 2);
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 1, 0), 1);
  EXPECT_EQ(memories.back()->limits().leased.load(), 2) << "a 32nd of all for each of two workers";
  lb.advance(100, 0);
  EXPECT_EQ(memories.back()->limits().leased.load(), 1);
}

TEST_P(LimitsPackets, OneClientIsHeldAndOthersAreNot) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  Limits limits;
  limits.per_client = PerClient{with_new_connections(10, 200), 32, 128, 1024};
  limit(lb, service, {real}, limits);
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 10), 2);
  EXPECT_EQ(opened(lb, "198.51.100.8", 1, 10), 2);
  EXPECT_EQ(lb.drops(DropReason::kClientNewConnectionLimit), 16u);
  EXPECT_EQ(counters(lb, service).client_limited[0].read(), 16u);
  lb.advance(100);
  EXPECT_EQ(opened(lb, "198.51.100.7", 100, 10), 1);
}

TEST_P(LimitsPackets, AClientIsOneOnAllWorkers) {
  WorkerFixture lb(2);
  const auto [service, real] = add(lb, Method::kDirect);
  Limits limits;
  limits.per_client = PerClient{{.new_connections = 10, .packets = 100, .burst = Milliseconds(500)}, 32, 128, 1024};
  limit(lb, service, {real}, limits, 2);
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 10, 0) + opened(lb, "198.51.100.7", 100, 10, 1), 5);
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    sent += lb.send(from("198.51.100.7", 1).tcp(kTcpAck), kOutside, 0).sent.empty() ? 0 : 1;
  }
  EXPECT_EQ(sent, 45) << "50 at once, of which 5 opened connections";
  EXPECT_EQ(lb.drops(DropReason::kClientPacketLimit), 55u);
}

TEST_P(LimitsPackets, AClientsConnectionsCountUntilTheyEnd) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  Limits limits;
  limits.per_client = PerClient{{.connections = 3}, 32, 128, 1024};
  limit(lb, service, {real}, limits);
  EXPECT_EQ(opened(lb, "198.51.100.7", 1, 10), 3);
  EXPECT_EQ(opened(lb, "198.51.100.8", 1, 10), 3);
  EXPECT_EQ(lb.drops(DropReason::kClientConnectionLimit), 14u);
  lb.send(from("198.51.100.7", 1).tcp(kTcpAck));
  lb.send(from("198.51.100.7", 1).tcp(kTcpRst));
  lb.advance(11'000);
  EXPECT_EQ(opened(lb, "198.51.100.7", 100, 10), 1);
  EXPECT_EQ(opened(lb, "198.51.100.8", 100, 10), 0) << "its own have not ended";
}

TEST_P(LimitsPackets, WhatFindsNoRealKeepsNoPlace) {
  WorkerFixture lb;
  const auto [service, real] = add(lb);
  Limits limits;
  limits.per_client = PerClient{{.connections = 1}, 32, 128, 1024};
  lb.set_weight(real, 0);
  limit(lb, service, {real}, limits);
  for (int i = 0; i < 3; ++i) lb.send(from("198.51.100.7", static_cast<uint16_t>(1 + i)).tcp(kTcpSyn));
  EXPECT_EQ(lb.drops(DropReason::kNoRealLeft), 3u);
  lb.set_weight(real, 1);
  lb.publish();
  EXPECT_EQ(opened(lb, "198.51.100.7", 10, 3), 1);
}

INSTANTIATE_TEST_SUITE_P(, LimitsPackets, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
