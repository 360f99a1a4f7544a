// The worker's loop over real ports (net_ring): what comes in on one leaves on the other within one
// poll.
#include "dataplane/worker.h"

#include <gmock/gmock.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

// The far ends of two ports' cables. Made once: ports outlive tests.
struct Cables {
  rte_ring* to_worker[2];
  rte_ring* from_worker[2];
  uint16_t port[2];
};

rte_ring* cable(const std::string& name) {
  return rte_ring_create(name.c_str(), 128, SOCKET_ID_ANY, 0);
}

const Cables& cables() {
  static const Cables made = [] {
    mbuf_pool();
    Cables ends;
    for (int i = 0; i < 2; ++i) {
      const std::string name = "cable" + std::to_string(i);
      ends.to_worker[i] = cable(name + "in");
      ends.from_worker[i] = cable(name + "out");
      const int port =
          rte_eth_from_rings(name.c_str(), &ends.to_worker[i], 1, &ends.from_worker[i], 1, 0);
      const rte_eth_conf plain{};
      if (port < 0 || rte_eth_dev_configure(static_cast<uint16_t>(port), 1, 1, &plain) != 0 ||
          rte_eth_rx_queue_setup(static_cast<uint16_t>(port), 0, 64, SOCKET_ID_ANY, nullptr,
                                 mbuf_pool()) != 0 ||
          rte_eth_tx_queue_setup(static_cast<uint16_t>(port), 0, 64, SOCKET_ID_ANY, nullptr) != 0 ||
          rte_eth_dev_start(static_cast<uint16_t>(port)) != 0) {
        std::abort();
      }
      ends.port[i] = static_cast<uint16_t>(port);
    }
    return ends;
  }();
  return made;
}

class WorkerLoop : public testing::Test {
 protected:
  WorkerLoop() : ends(cables()) {
    const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kNat);
    real = lb.add_real(service, "10.0.0.1", 53);
    lb.publish();
    // A minute is a tick: no test's outcome hangs on the clock.
    lb.worker().cycles_per_ms = rte_get_tsc_hz() * 60;
  }

  static PacketBuilder query(uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp().payload("?");
  }
  void arrive(int on, const PacketBuilder& packet) {
    ASSERT_EQ(rte_ring_enqueue(ends.to_worker[on], packet.build(mbuf_pool())), 0);
  }
  std::vector<Bytes> left(int on) {
    std::vector<Bytes> frames;
    void* mbuf;
    while (rte_ring_dequeue(ends.from_worker[on], &mbuf) == 0) {
      frames.push_back(bytes_of(static_cast<rte_mbuf*>(mbuf)));
      rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    }
    return frames;
  }

  const Cables& ends;
  WorkerFixture lb{1, 1024};
  RealId real;
};

TEST_F(WorkerLoop, PollForwardsWhatCameIn) {
  ASSERT_EQ(ends.port[0], kOutside);
  ASSERT_EQ(ends.port[1], kInside);
  EXPECT_FALSE(poll_once(lb.worker()));
  for (uint16_t port = 1; port <= 3; ++port) arrive(0, query(port));
  EXPECT_TRUE(poll_once(lb.worker()));
  const auto frames = left(1);
  ASSERT_EQ(frames.size(), 3u);
  for (uint16_t i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[i], query(static_cast<uint16_t>(i + 1))
                             .to("10.0.0.1", 53)
                             .ttl(63)
                             .from_mac(kInsideMac)
                             .to_mac(real_mac(real))
                             .bytes());
  }
  EXPECT_FALSE(poll_once(lb.worker()));
  const WorkerCounters& counters = lb.worker().counters;
  EXPECT_EQ(counters.rx_packets.read(), 3u);
  EXPECT_EQ(counters.tx_packets.read(), 3u);
  EXPECT_EQ(counters.bursts.read(), 1u);
  EXPECT_EQ(counters.polls.read(), 3u);
  EXPECT_EQ(counters.connections.read(), 3u);
  EXPECT_EQ(counters.snapshot_version.read(), lb.snapshot().version);
}

TEST_F(WorkerLoop, RepliesComeBackOutOfTheOtherPort) {
  arrive(0, query(7));
  poll_once(lb.worker());
  left(1);
  arrive(
      1,
      a_packet().from("10.0.0.1", 53).to("198.51.100.7", 7).udp().payload("!").to_mac(kInsideMac));
  poll_once(lb.worker());
  const auto frames = left(0);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(checksum_errors(frames[0]), "");
  EXPECT_THAT(describe(frames[0]), testing::HasSubstr("203.0.113.10 > 198.51.100.7"));
}

TEST_F(WorkerLoop, BothFamiliesComeAndGoInOnePoll) {
  const ServiceId service = lb.add_service(Protocol::kUdp, "2001:db8:ff::10", 53, Method::kNat);
  const RealId real6 = lb.add_real(service, "2001:db8:1::1", 53);
  lb.publish();
  const auto query6 = [](uint16_t port) {
    return a_packet().from("2001:db8:ff::7", port).to("2001:db8:ff::10", 53).udp().payload("?");
  };
  for (uint16_t port = 1; port <= 4; ++port) arrive(0, port % 2 ? query(port) : query6(port));
  arrive(0, query6(6));
  EXPECT_TRUE(poll_once(lb.worker()));
  const auto frames = left(1);
  ASSERT_EQ(frames.size(), 5u);
  EXPECT_EQ(frames[1], query6(2).to("2001:db8:1::1", 53).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real6)).bytes());
  EXPECT_EQ(frames[2], query(3).to("10.0.0.1", 53).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)).bytes());
  EXPECT_FALSE(poll_once(lb.worker()));
  EXPECT_EQ(lb.worker().counters.connections.read(), 2u);
  EXPECT_EQ(lb.worker().counters.ipv6_connections.read(), 3u);

  arrive(1, a_packet().from("2001:db8:1::1", 53).to("2001:db8:ff::7", 6).udp().payload("!").to_mac(kInsideMac));
  poll_once(lb.worker());
  const auto replies = left(0);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0], a_packet()
                            .from("2001:db8:ff::10", 53)
                            .to("2001:db8:ff::7", 6)
                            .udp()
                            .payload("!")
                            .ttl(63)
                            .from_mac(kOutsideMac)
                            .to_mac(kGatewayMac)
                            .bytes());
}

TEST_F(WorkerLoop, LinuxsFramesLeaveUntouched) {
  rte_ring* ring = rte_ring_create("from_kernel", 64, SOCKET_ID_ANY, 0);
  lb.worker().ports[kOutside].from_kernel = ring;
  const auto frame =
      a_packet().from("198.18.0.10", 179).to("198.18.0.1", 40000).tcp(kTcpAck).payload("bgp");
  rte_ring_enqueue(ring, frame.build(mbuf_pool()));
  EXPECT_TRUE(poll_once(lb.worker()));
  EXPECT_EQ(left(0), std::vector<Bytes>{frame.bytes()});
  lb.worker().ports[kOutside].from_kernel = nullptr;
  rte_ring_free(ring);
}

TEST_F(WorkerLoop, WhatThePortDoesNotTakeIsACountedDrop) {
  // The cable holds 127; two polls of 32 fill what is left of it.
  void* filler;
  for (int i = 0; i < 100; ++i) rte_ring_enqueue(ends.from_worker[1], query(1).build(mbuf_pool()));
  for (uint16_t port = 1; port <= 32; ++port) arrive(0, query(port));
  poll_once(lb.worker());
  EXPECT_EQ(lb.worker().counters.tx_packets.read(), 27u);
  EXPECT_EQ(lb.drops(DropReason::kTxFull), 5u);
  while (rte_ring_dequeue(ends.from_worker[1], &filler) == 0)
    rte_pktmbuf_free(static_cast<rte_mbuf*>(filler));
}

TEST_F(WorkerLoop, ManyPacketsInOnePollAreSentInSeveralBursts) {
  for (uint16_t port = 1; port <= 100; ++port) arrive(0, query(port));
  size_t out = 0;
  for (int poll = 0; poll < 4; ++poll) {
    EXPECT_TRUE(poll_once(lb.worker()));
    out += left(1).size();
  }
  EXPECT_EQ(out, 100u);
}

TEST_F(WorkerLoop, HandedOffPacketsAreServed) {
  rte_mbuf* mbuf = query(9).build(mbuf_pool());
  rte_ring_enqueue(lb.worker().inbox, mbuf);
  EXPECT_TRUE(poll_once(lb.worker()));
  EXPECT_EQ(left(1).size(), 1u);
  EXPECT_EQ(lb.worker().counters.rx_packets.read(), 0u);
}

// A swap between two polls: the connection keeps its real, new ones see the new set.
TEST_F(WorkerLoop, SnapshotSwapTakesEffectAtTheNextPoll) {
  arrive(0, query(1));
  poll_once(lb.worker());
  left(1);
  lb.set_weight(real, 0);
  const RealId other = lb.add_real(ServiceId{0}, "10.0.0.2", 53);
  lb.publish();
  arrive(0, query(1));
  arrive(0, query(2));
  poll_once(lb.worker());
  const auto frames = left(1);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_THAT(describe(frames[0]), testing::HasSubstr("> 10.0.0.1 "));
  EXPECT_THAT(describe(frames[1]), testing::HasSubstr("> 10.0.0.2 "));
  EXPECT_EQ(lb.counters(other).connections.read(), 1u);
}

}  // namespace
}  // namespace shunt::dataplane
