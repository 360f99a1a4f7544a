// Several workers and a port that spreads packets without knowing their connections: both
// directions of a connection must meet on one worker.
#include <gmock/gmock.h>

#include <set>

#include "dataplane/admit.h"
#include "dataplane/local_ports.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kWorkers = 3;

class HandOff : public InBothFamilies {
 protected:
  void serve(Method method, Protocol protocol = Protocol::kTcp) {
    const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, method);
    lb.add_local_address(service, at("10.0.0.100"));
    lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
  }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  // Sends to one worker and follows the packet to where it ends; `end` says which worker that was.
  Outcome follow(const PacketBuilder& packet, uint16_t port, uint32_t worker, uint32_t& end) {
    Outcome outcome = lb.send(packet, port, worker);
    end = worker;
    if (outcome.handed_to.empty()) return outcome;
    EXPECT_EQ(outcome.summary(), "handed to " + std::to_string(outcome.handed_to[0]));
    end = outcome.handed_to[0];
    return lb.serve_inbox(end);
  }
  uint32_t connections() {
    uint32_t all = 0;
    for (uint32_t i = 0; i < kWorkers; ++i) all += lb.connections(GetParam(), i);
    return all;
  }

  WorkerFixture lb{kWorkers};
};

TEST_P(HandOff, NatMeetsOnOneWorkerWhereverPacketsArrive) {
  serve(Method::kNat);
  std::array<int, kWorkers> owned{};
  for (uint16_t port = 1; port <= 60; ++port) {
    std::set<uint32_t> ends;
    for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
      uint32_t end;
      EXPECT_EQ(follow(client(port).tcp(kTcpSyn), kOutside, arrival, end).summary(), "sent 1");
      ends.insert(end);
      const auto reply =
          a_packet().from(at("10.0.0.1"), 80).to(at("198.51.100.7"), port).to_mac(kInsideMac).tcp(kTcpAck);
      const Outcome outcome = follow(reply, kInside, arrival, end);
      ASSERT_EQ(outcome.summary(), "sent 0");
      EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
      ends.insert(end);
    }
    ASSERT_EQ(ends.size(), 1u) << "client port " << port;
    ++owned[*ends.begin()];
  }
  EXPECT_EQ(connections(), 60u);
  for (const int count : owned) EXPECT_GT(count, 5) << "connections spread over the workers";
}

TEST_P(HandOff, FullnatRepliesFindTheirWorkerFromAnyOther) {
  serve(Method::kFullnat);
  for (uint16_t port = 1; port <= 30; ++port) {
    const uint32_t owner = port % kWorkers;
    EXPECT_EQ(lb.send(client(port).tcp(kTcpSyn), kOutside, owner).summary(), "sent 1");
    const auto connection = lb.copy_of(client(port).tcp(kTcpSyn), owner);
    ASSERT_TRUE(connection);
    const uint16_t local = connection->reply.destination_port.host();
    for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
      uint32_t end;
      const auto reply =
          a_packet().from(at("10.0.0.1"), 80).to(at("10.0.0.100"), local).to_mac(kInsideMac).tcp(kTcpAck);
      expect_sent(follow(reply, kInside, arrival, end), kOutside,
                  a_packet()
                      .from(at("203.0.113.10"), 80)
                      .to(at("198.51.100.7"), port)
                      .tcp(kTcpAck)
                      .ttl(63)
                      .from_mac(kOutsideMac)
                      .to_mac(kGatewayMac));
      EXPECT_EQ(end, owner);
    }
  }
}

TEST_P(HandOff, UdpUnderNatMeetsToo) {
  serve(Method::kNat, Protocol::kUdp);
  for (uint16_t port = 1; port <= 12; ++port) {
    uint32_t request_at;
    uint32_t reply_at;
    EXPECT_EQ(follow(client(port).udp(), kOutside, 0, request_at).summary(), "sent 1");
    const auto reply =
        a_packet().from(at("10.0.0.1"), 80).to(at("198.51.100.7"), port).to_mac(kInsideMac).udp();
    EXPECT_EQ(follow(reply, kInside, 1, reply_at).summary(), "sent 0");
    EXPECT_EQ(request_at, reply_at);
  }
}

// The owner tells: a packet that was handed off goes no further, whatever tables say.
TEST_P(HandOff, PacketHandedToTheWrongWorkerIsACountedDrop) {
  serve(Method::kNat);
  for (uint16_t port = 1; port <= 12; ++port) {
    for (uint32_t wrong = 0; wrong < kWorkers; ++wrong) {
      rte_ring_enqueue(lb.worker(wrong).inbox, client(port).tcp(kTcpSyn).build(mbuf_pool()));
      const std::string outcome = lb.serve_inbox(wrong).summary();
      EXPECT_TRUE(outcome == "sent 1" || outcome == "dropped hop_loop") << outcome;
    }
  }
  EXPECT_EQ(connections(), 12u);
  EXPECT_EQ(lb.drops(DropReason::kHopLoop, 0) + lb.drops(DropReason::kHopLoop, 1) +
                lb.drops(DropReason::kHopLoop, 2),
            12u * (kWorkers - 1));
}

TEST_P(HandOff, StrayReplyEndsAtTheKernelAfterOneHop) {
  serve(Method::kNat);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    uint32_t end;
    const auto stray =
        a_packet().from(at("10.0.0.1"), 80).to(at("198.51.100.9"), 4242).to_mac(kInsideMac).tcp(kTcpAck);
    EXPECT_EQ(follow(stray, kInside, arrival, end).summary(), "kernel 1");
  }
}

TEST_P(HandOff, RealsTrafficToTheMachineItselfStays) {
  serve(Method::kNat);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(lb.send(a_packet().from(at("10.0.0.1"), 179).to(at("10.0.0.254"), 40000).to_mac(kInsideMac),
                      kInside, arrival)
                  .summary(),
              "kernel 1");
  }
}

TEST_P(HandOff, OneWayMethodsStayWhereTheyArrive) {
  serve(Method::kDirect);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(lb.send(client(static_cast<uint16_t>(arrival + 1)).tcp(kTcpSyn), kOutside, arrival)
                  .summary(),
              "sent 1");
  }
}

TEST_P(HandOff, FullInboxIsACountedDrop) {
  serve(Method::kNat);
  uint32_t handed = 0;
  uint32_t full = 0;
  for (uint16_t port = 1; port <= 400; ++port) {
    const Outcome outcome = lb.send(client(port).tcp(kTcpSyn), kOutside, 0);
    handed += static_cast<uint32_t>(outcome.handed_to.size());
    if (outcome.summary() == "dropped hand_off_full") ++full;
  }
  EXPECT_EQ(handed, 2 * 63u);
  EXPECT_GT(full, 0u);
  EXPECT_EQ(lb.worker(0).counters.handed_off_packets.read(), handed);
}

INSTANTIATE_TEST_SUITE_P(Families, HandOff, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
