// The worker's loop over real ports (net_ring): what comes in on one leaves on the other within one
// poll.
#include "dataplane/worker.h"

#include <gmock/gmock.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <cstring>

#include "dataplane/probe.h"
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
  rte_mbuf* from_linux = frame.build(mbuf_pool());
  set_probed(from_linux, kNoReal);
  rte_ring_enqueue(ring, from_linux);
  EXPECT_TRUE(poll_once(lb.worker()));
  EXPECT_EQ(left(0), std::vector<Bytes>{frame.bytes()});
  lb.worker().ports[kOutside].from_kernel = nullptr;
  rte_ring_free(ring);
}

TEST_F(WorkerLoop, WhatThePortDoesNotTakeIsACountedDrop) {
  // The cable holds 127; one poll fills what is left of it.
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

// The same loop, its first port VLAN 7 of its device.
class TaggedPort : public WorkerLoop {
 protected:
  TaggedPort() { lb.worker().ports[kOutside].vlan = 7; }

  static Bytes tagged(Bytes frame, uint16_t control, uint16_t type = 0x8100) {
    const uint8_t tag[] = {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type),
                           static_cast<uint8_t>(control >> 8), static_cast<uint8_t>(control)};
    frame.insert(frame.begin() + 12, std::begin(tag), std::end(tag));
    return frame;
  }
  void arrive_frame(int on, const Bytes& frame) {
    ASSERT_EQ(rte_ring_enqueue(ends.to_worker[on], mbuf_of(frame, mbuf_pool())), 0);
  }
  static PacketBuilder reply(uint16_t port) {
    return a_packet().from("10.0.0.1", 53).to("198.51.100.7", port).udp().payload("!").to_mac(kInsideMac);
  }
  static PacketBuilder translated_reply(uint16_t port) {
    auto packet = a_packet().from("203.0.113.10", 53).to("198.51.100.7", port).udp().payload("!");
    return packet.ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac);
  }
};

TEST_F(TaggedPort, TagsGoAtTheEntranceAndComeAtTheExit) {
  // With a priority and drop eligibility, which are not the VLAN's.
  arrive_frame(0, tagged(query(5).bytes(), 0xf007));
  poll_once(lb.worker());
  const auto requests = left(1);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0], query(5).to("10.0.0.1", 53).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)).bytes())
      << "the other port has no tags";
  arrive(1, reply(5));
  poll_once(lb.worker());
  EXPECT_EQ(left(0), std::vector<Bytes>{tagged(translated_reply(5).bytes(), 7)});
}

TEST_F(TaggedPort, WhatHasNotItsTagIsACountedDrop) {
  const Bytes frame = query(5).bytes();
  arrive_frame(0, frame);
  arrive_frame(0, tagged(frame, 8));
  arrive_frame(0, tagged(frame, 0x6000));  // priority alone
  arrive_frame(0, tagged(frame, 7));
  arrive_frame(0, tagged(frame, 7, 0x88a8));
  arrive_frame(0, tagged(tagged(frame, 7), 9));
  for (const size_t bytes : {12u, 14u, 16u, 17u}) {
    Bytes cut = tagged(frame, 7);
    cut.resize(bytes);
    arrive_frame(0, cut);
  }
  arrive_frame(0, tagged(query(6).bytes(), 7));
  poll_once(lb.worker());
  const auto frames = left(1);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_THAT(describe(frames[0]), testing::HasSubstr("udp 5 > 53"));
  EXPECT_THAT(describe(frames[1]), testing::HasSubstr("udp 6 > 53"));
  EXPECT_EQ(lb.drops(DropReason::kNotOurVlan), 9u);
  EXPECT_EQ(lb.worker().counters.rx_packets.read(), 11u);
}

TEST_F(TaggedPort, ATagInsideOfItsOwnGoesToLinux) {
  arrive_frame(0, tagged(tagged(query(5).bytes(), 9), 7));
  poll_once(lb.worker());
  void* mbuf = nullptr;
  ASSERT_EQ(rte_ring_dequeue(lb.worker().ports[kOutside].to_kernel, &mbuf), 0);
  EXPECT_EQ(bytes_of(static_cast<rte_mbuf*>(mbuf)), tagged(query(5).bytes(), 9));
  rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
}

TEST_F(TaggedPort, WhatTheDeviceTookOffIsLookedAt) {
  for (const uint16_t control : {0x2007, 8}) {
    rte_mbuf* mbuf = query(control).build(mbuf_pool());
    mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    mbuf->vlan_tci = control;
    ASSERT_EQ(rte_ring_enqueue(ends.to_worker[0], mbuf), 0);
  }
  poll_once(lb.worker());
  EXPECT_EQ(left(1).size(), 1u);
  EXPECT_EQ(lb.drops(DropReason::kNotOurVlan), 1u);
}

TEST_F(TaggedPort, ADeviceThatInsertsTagsIsAskedTo) {
  lb.worker().ports[kOutside].inserts_tags = true;
  arrive_frame(0, tagged(query(5).bytes(), 7));
  poll_once(lb.worker());
  left(1);
  arrive(1, reply(5));
  poll_once(lb.worker());
  void* sent = nullptr;
  ASSERT_EQ(rte_ring_dequeue(ends.from_worker[0], &sent), 0);
  auto* mbuf = static_cast<rte_mbuf*>(sent);
  EXPECT_EQ(bytes_of(mbuf), translated_reply(5).bytes());
  EXPECT_EQ(mbuf->ol_flags & RTE_MBUF_F_TX_VLAN, RTE_MBUF_F_TX_VLAN);
  EXPECT_EQ(mbuf->vlan_tci, 7);
  rte_pktmbuf_free(mbuf);
}

TEST_F(TaggedPort, AFrameWithoutRoomForItsTagIsACountedDrop) {
  for (uint16_t port = 5; port <= 7; ++port) arrive_frame(0, tagged(query(port).bytes(), 7));
  poll_once(lb.worker());
  left(1);
  for (uint16_t port = 5; port <= 7; ++port) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(mbuf_pool());
    if (port == 6) mbuf->data_off = 3;
    const Bytes frame = reply(port).bytes();
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    ASSERT_EQ(rte_ring_enqueue(ends.to_worker[1], mbuf), 0);
  }
  poll_once(lb.worker());
  EXPECT_EQ(left(0),
            (std::vector<Bytes>{tagged(translated_reply(5).bytes(), 7), tagged(translated_reply(7).bytes(), 7)}));
  EXPECT_EQ(lb.drops(DropReason::kNoMbuf), 1u);
  EXPECT_EQ(lb.worker().counters.tx_packets.read(), 5u);
}

TEST_F(TaggedPort, LinuxSpeaksWithoutTags) {
  arrive_frame(0, tagged(a_packet().from("198.51.100.7", 9).to("198.18.0.10", 179).tcp(kTcpSyn).bytes(), 7));
  rte_ring* ring = rte_ring_create("from_kernel", 64, SOCKET_ID_ANY, 0);
  lb.worker().ports[kOutside].from_kernel = ring;
  const auto frame = a_packet().from("198.18.0.10", 179).to("198.18.0.1", 40000).tcp(kTcpAck).payload("bgp");
  rte_mbuf* from_linux = frame.build(mbuf_pool());
  set_probed(from_linux, kNoReal);
  rte_ring_enqueue(ring, from_linux);
  poll_once(lb.worker());
  EXPECT_EQ(left(0), std::vector<Bytes>{tagged(frame.bytes(), 7)});
  void* mbuf = nullptr;
  ASSERT_EQ(rte_ring_dequeue(lb.worker().ports[kOutside].to_kernel, &mbuf), 0);
  EXPECT_EQ(bytes_of(static_cast<rte_mbuf*>(mbuf)),
            a_packet().from("198.51.100.7", 9).to("198.18.0.10", 179).tcp(kTcpSyn).bytes());
  rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  lb.worker().ports[kOutside].from_kernel = nullptr;
  rte_ring_free(ring);
}

}  // namespace
}  // namespace shunt::dataplane
