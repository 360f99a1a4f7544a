// Many packets at once, with so many connections that the journey goes in groups.
#include "dataplane/packet_path.h"

#include <gmock/gmock.h>

#include <map>

#include "dataplane/find.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kKnown = 5000;

class FarConnections : public InBothFamilies {
 protected:
  void SetUp() override {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) reals.push_back(lb.add_real(service, at(address), 80));
    lb.publish();
    for (uint16_t port = 1; port <= kKnown; ++port) ASSERT_EQ(lb.send(client(port).tcp(kTcpSyn)).summary(), "sent 1");
    ASSERT_TRUE(has_far_connections(lb.worker()));
  }
  static PacketBuilder client(uint32_t port) {
    return a_packet().from(at("198.51.100.7"), static_cast<uint16_t>(port)).to(at("203.0.113.10"), 80);
  }
  uint32_t packets_of(uint32_t port) {
    const auto copy = lb.copy_of(client(port).tcp(kTcpSyn));
    return copy ? copy->in_packets : 0;
  }
  uint32_t connections_on_reals() {
    uint32_t all = 0;
    for (const RealId real : reals) all += lb.counters(real).active.load() + lb.counters(real).inactive.load();
    return all;
  }

  WorkerFixture lb{1, 4 * kKnown};
  std::vector<RealId> reals;
};

TEST_P(FarConnections, BurstsOfAnySizeLeaveWholeAndInOrder) {
  for (const uint32_t size : {1u, 7u, 8u, 9u, 16u, 17u, 63u, kBurst}) {
    std::vector<PacketBuilder> burst;
    for (uint32_t i = 0; i < size; ++i) burst.push_back(client(1 + i * 37).tcp(kTcpAck).payload(std::string(10 + i, 'x')));
    const Outcome outcome = lb.send_burst(burst);
    ASSERT_EQ(outcome.sent.size(), size);
    for (uint32_t i = 1; i < size; ++i) {
      EXPECT_EQ(outcome.sent[i].bytes.size(), outcome.sent[i - 1].bytes.size() + 1) << size << " " << i;
    }
  }
  EXPECT_EQ(lb.connections(GetParam()), kKnown);
}

// The table changes with each new connection, while packets behind it have looked into it already.
TEST_P(FarConnections, PacketsBehindTheOneThatOpensTheirConnectionFindIt) {
  constexpr uint32_t kNew = 13;
  std::map<uint32_t, uint32_t> wanted;
  std::vector<PacketBuilder> burst;
  for (uint32_t i = 0; i < kBurst; ++i) {
    const uint32_t port = i % 3 == 0 ? 1 + i : 20000 + i * 5 % kNew;
    const bool is_first = ++wanted[port] == 1 && port >= 20000;
    burst.push_back(client(port).tcp(is_first ? kTcpSyn : kTcpAck));
  }
  EXPECT_EQ(lb.send_burst(burst).sent.size(), kBurst);
  EXPECT_EQ(lb.connections(GetParam()), kKnown + kNew);
  EXPECT_EQ(connections_on_reals(), kKnown + kNew);
  for (const auto& [port, count] : wanted) EXPECT_EQ(packets_of(port), count + (port < 20000 ? 1 : 0)) << port;
}

TEST_P(FarConnections, WhatIsNotSentOnIsSettledAmongTheOthers) {
  std::vector<PacketBuilder> burst;
  for (uint32_t i = 0; i < kBurst; ++i) burst.push_back(client(1 + i).tcp(kTcpAck));
  burst[3].ttl(1);
  burst[9] = client(30000).tcp(kTcpAck);  // of no connection
  burst[20] = client(5).to(at("203.0.113.10"), 81).tcp(kTcpSyn);  // no service's
  const Outcome outcome = lb.send_burst(burst);
  EXPECT_EQ(outcome.sent.size(), kBurst - 3 + 1) << "the first of the three is answered by an ICMP error";
  EXPECT_EQ(outcome.to_kernel.size() + outcome.dropped.size(), 3u);
  EXPECT_EQ(packets_of(4), 1u) << "only its SYN went on";
  for (const uint32_t port : {1u, 3u, 5u, 8u, 11u, 12u, 20u, 22u, kBurst}) EXPECT_EQ(packets_of(port), 2u) << port;
}

TEST_P(FarConnections, BurstsAreLargeWhileNoneIsOpened) {
  lb.send(client(1).tcp(kTcpAck));
  EXPECT_EQ(burst_size(lb.worker()), kBurst);
  lb.send_burst({client(1).tcp(kTcpAck), client(20000).tcp(kTcpSyn), client(2).tcp(kTcpAck)});
  EXPECT_LT(burst_size(lb.worker()), kBurst);
  lb.send(client(20000).tcp(kTcpAck));
  EXPECT_EQ(burst_size(lb.worker()), kBurst);
}

INSTANTIATE_TEST_SUITE_P(Families, FarConnections, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
