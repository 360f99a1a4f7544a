#include "dataplane/parse.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/dataplane/buffers.h"
#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Parse : public testing::Test {
 protected:
  Parse() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      lb.add_real(lb.add_service(protocol, "203.0.113.10", 80, Method::kNat), "10.0.0.1", 8080);
    }
    lb.publish();
  }

  static PacketBuilder syn() {
    return a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpSyn);
  }
  static PacketBuilder datagram() {
    return a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp().payload_of(20);
  }
  // Sets bytes and makes the IP header's checksum right again.
  static std::function<void(Bytes&)> with(std::function<void(Bytes&)> change) {
    return [change](Bytes& frame) {
      change(frame);
      make_ip_checksum_right(frame);
    };
  }
  // REQUIRES a frame that holds a minimal IP header.
  static void make_ip_checksum_right(Bytes& frame) {
    frame[24] = frame[25] = 0;
    const size_t header = std::min<size_t>((frame[14] & 15) * 4u, frame.size() - 14);
    const uint16_t sum = internet_checksum(std::span(frame).subspan(14, header));
    frame[24] = static_cast<uint8_t>(sum >> 8);
    frame[25] = static_cast<uint8_t>(sum);
  }
  // What parse() alone makes of a packet, which is freed.
  Packet parsed(rte_mbuf* mbuf) {
    Burst& burst = lb.worker().burst;
    burst.count = 1;
    burst.packets[0].mbuf = mbuf;
    burst.packets[0].in_port = mbuf->port;
    burst.packets[0].handed_off = false;
    parse(lb.worker(), lb.snapshot(), burst.packets[0]);
    rte_pktmbuf_free(mbuf);
    return burst.packets[0];
  }

  WorkerFixture lb;
};

TEST_F(Parse, MalformedPacketsAreCountedDrops) {
  struct Hostile {
    const char* name;
    const char* outcome;
    PacketBuilder packet;
  };
  const Hostile table[] = {
      {"IPv6's version", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[14] = 0x65; }))},
      {"header of 16 bytes", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[14] = 0x44; }))},
      {"header of 0 bytes", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[14] = 0x40; }))},
      {"total length below the header", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[17] = 19; }))},
      {"total length 0", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[17] = 0; }))},
      {"header longer than total length", "dropped bad_ip_header",
       syn().then(with([](Bytes& frame) { frame[14] = 0x4f; }))},
      {"total length beyond the frame", "dropped truncated",
       syn().then(with([](Bytes& frame) { frame[17] = 41; }))},
      {"total length 65535", "dropped truncated",
       syn().then(with([](Bytes& frame) { frame[16] = frame[17] = 0xff; }))},
      {"frame cut inside the IP header", "dropped truncated",
       syn().then([](Bytes& frame) { frame.resize(33); })},
      {"frame cut after the Ethernet header", "dropped truncated",
       syn().then([](Bytes& frame) { frame.resize(14); })},
      {"frame cut inside the Ethernet header", "dropped truncated",
       syn().then([](Bytes& frame) { frame.resize(13); })},
      {"empty frame", "dropped truncated", syn().then([](Bytes& frame) { frame.clear(); })},
      {"frame cut inside the TCP header", "dropped truncated",
       syn().then([](Bytes& frame) { frame.resize(50); })},
      {"wrong IP checksum", "dropped bad_ip_checksum",
       syn().then([](Bytes& frame) { frame[24] ^= 1; })},
      {"IP checksum 0", "dropped bad_ip_checksum",
       syn().then([](Bytes& frame) { frame[24] = frame[25] = 0; })},
      {"wrong checksum over options", "dropped bad_ip_checksum",
       syn().ip_options({1, 1, 1, 0}).then([](Bytes& frame) { frame[34] ^= 4; })},
      {"TCP in 19 bytes", "dropped bad_l4_header",
       syn().then(with([](Bytes& frame) { frame.resize(frame.size() - 1), frame[17] = 39; }))},
      {"TCP data offset of 16 bytes", "dropped bad_l4_header",
       syn().then([](Bytes& frame) { frame[46] = 0x40; })},
      {"TCP data offset beyond the packet", "dropped bad_l4_header",
       syn().then([](Bytes& frame) { frame[46] = 0xf0; })},
      {"UDP in 7 bytes", "dropped bad_l4_header",
       datagram().then(with([](Bytes& frame) { frame.resize(41), frame[17] = 27; }))},
      {"no UDP at all", "dropped bad_l4_header",
       datagram().then(with([](Bytes& frame) { frame.resize(34), frame[17] = 20; }))},
      {"UDP length 7", "dropped bad_l4_header",
       datagram().then([](Bytes& frame) { frame[39] = 7; })},
      {"UDP length 0", "dropped bad_l4_header",
       datagram().then([](Bytes& frame) { frame[39] = 0; })},
      {"UDP length beyond the packet", "dropped bad_l4_header",
       datagram().then([](Bytes& frame) { ++frame[39]; })},
      {"IPv4 in a frame that says IPv6", "dropped bad_ip_header",
       syn().then([](Bytes& frame) { frame[12] = 0x86, frame[13] = 0xdd; })},
      {"another machine's MAC address", "dropped not_our_mac", syn().to_mac(mac(0x77))},
      {"the other port's MAC address", "dropped not_our_mac", syn().to_mac(kInsideMac)},
  };
  for (const Hostile& hostile : table) {
    SCOPED_TRACE(hostile.name);
    EXPECT_EQ(lb.send(hostile.packet).summary(), hostile.outcome)
        << describe(hostile.packet.bytes());
  }
  EXPECT_EQ(lb.worker().connections.used(), 0u);
}

TEST_F(Parse, WhatIsNotOursGoesToTheKernelAsItCame) {
  const PacketBuilder table[] = {
      a_packet().from("198.51.100.7").to("203.0.113.10").icmp(8, 0).payload("ping"),
      a_packet().from("198.51.100.7").to("198.18.0.10").protocol(89).payload("ospf"),
      a_packet().from("198.51.100.7", 179).to("198.18.0.10", 40000).tcp(kTcpAck),
      a_packet().from("198.51.100.7", 53).to("198.18.0.10", 40000).udp(),
      a_packet().from("198.51.100.7", 1).to("203.0.113.10", 81).tcp(kTcpSyn),
      a_packet().from("198.51.100.7", 1).to("198.18.0.10", 80).udp().fragment(0, true),
      syn().then([](Bytes& frame) { frame[12] = 0x08, frame[13] = 0x06; }),
      syn().then([](Bytes& frame) { frame[12] = 0x81, frame[13] = 0x00; }),
      syn().to_mac({{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}),
      syn().to_mac({{1, 0, 0x5e, 0, 0, 5}}),
  };
  for (const PacketBuilder& packet : table) {
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "kernel 0") << describe(packet.bytes());
    EXPECT_EQ(outcome.to_kernel[0].bytes, packet.bytes());
  }
  EXPECT_EQ(lb.worker().counters.kernel_packets.read(), std::size(table));
}

TEST_F(Parse, PortWithoutKernelPortDropsWhatIsNotOurs) {
  rte_ring* const ring = std::exchange(lb.worker().ports[kOutside].to_kernel, nullptr);
  EXPECT_EQ(lb.send(a_packet().from("1.2.3.4").to("203.0.113.10").icmp(8, 0)).summary(),
            "dropped no_kernel_port");
  lb.worker().ports[kOutside].to_kernel = ring;
}

TEST_F(Parse, FullKernelRingIsACountedDrop) {
  const auto ping = a_packet().from("1.2.3.4").to("203.0.113.10").icmp(8, 0);
  rte_ring* ring = lb.worker().ports[kOutside].to_kernel;
  while (rte_ring_free_count(ring) > 1) rte_ring_enqueue(ring, ping.build(mbuf_pool()));
  const Outcome outcome = lb.send_burst({ping, ping});
  EXPECT_EQ(outcome.dropped, std::vector<DropReason>{DropReason::kKernelPortFull});
}

TEST_F(Parse, DriversWordOnTheChecksumCounts) {
  const auto flagged = [&](const PacketBuilder& packet, uint64_t flags) {
    rte_mbuf* mbuf = packet.build(mbuf_pool());
    mbuf->ol_flags |= flags;
    return lb.send_mbufs({mbuf}).summary();
  };
  const auto wrong = syn().then([](Bytes& frame) { frame[24] ^= 1; });
  EXPECT_EQ(flagged(syn(), RTE_MBUF_F_RX_IP_CKSUM_BAD), "dropped bad_ip_checksum");
  EXPECT_EQ(flagged(wrong, RTE_MBUF_F_RX_IP_CKSUM_GOOD), "sent 1");
  EXPECT_EQ(flagged(wrong, RTE_MBUF_F_RX_IP_CKSUM_NONE), "dropped bad_ip_checksum");
}

// A packet in several buffers: headers must lie in the first, payload may follow.
TEST_F(Parse, HeadersSplitOverBuffersAreDroppedAndPayloadIsNot) {
  const Bytes frame = syn().payload_of(100).bytes();
  for (const size_t first : {13u, 14u, 30u, 34u, 40u, 53u, 54u, 55u, 100u}) {
    const Outcome outcome = lb.send_mbufs({in_two_buffers(frame, first)});
    if (first < 54) {
      EXPECT_EQ(outcome.summary(), "dropped truncated") << first;
    } else {
      ASSERT_EQ(outcome.summary(), "sent 1") << first;
      EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    }
  }
}

TEST_F(Parse, OptionsSplitOverBuffersAreDropped) {
  const Bytes frame = syn().ip_options(Bytes(20, 1)).payload_of(100).bytes();
  for (const size_t first : {34u, 44u, 53u}) {
    EXPECT_EQ(lb.send_mbufs({in_two_buffers(frame, first)}).summary(), "dropped truncated")
        << first;
  }
  EXPECT_EQ(lb.send_mbufs({in_two_buffers(frame, 74)}).summary(), "sent 1");
}

// Nearly every packet is parsed by a short path; what that accepts, the careful one must read in
// the same way. A packet whose last byte lies in a second buffer goes the careful way.
TEST_F(Parse, ShortAndCarefulPathAgree) {
  std::mt19937 random(20260102);
  int undecided = 0;
  for (int i = 0; i < 40000; ++i) {
    Bytes frame = (random() % 2 ? syn().payload_of(8) : datagram()).bytes();
    if (random() % 4 != 0)
      frame[12 + random() % (frame.size() - 12)] = static_cast<uint8_t>(random());
    make_ip_checksum_right(frame);
    const Packet whole = parsed(mbuf_of(frame, mbuf_pool()));
    const Packet split = parsed(in_two_buffers(frame, frame.size() - 1));
    if (split.verdict == Verdict::kDrop && split.reason == DropReason::kTruncated)
      continue;  // its header's last byte
    ASSERT_EQ(whole.verdict, split.verdict) << describe(frame);
    if (whole.verdict == Verdict::kDrop) {
      ASSERT_EQ(whole.reason, split.reason) << describe(frame);
    }
    if (!whole.undecided()) continue;
    ++undecided;
    ASSERT_EQ(whole.key, split.key) << describe(frame);
    ASSERT_EQ(whole.tcp_flags, split.tcp_flags);
    ASSERT_EQ(whole.ip_bytes, split.ip_bytes);
  }
  EXPECT_GT(undecided, 10000);
}

// Bits flipped, bytes overwritten, frames cut and stretched: anything may come of it but a crash, a
// lost buffer or an unaccounted packet. The address sanitizer watches.
TEST_F(Parse, MutatedPacketsAreAllAccountedFor) {
  std::mt19937 random(20260101);
  const std::vector<PacketBuilder> seeds = {
      syn().payload_of(40), datagram(), syn().ip_options(Bytes(16, 1)).tcp_options(Bytes(20, 1)),
      datagram().payload_of(40).fragment(0, true), datagram().fragment(48, false),
      a_packet().from("10.0.0.1", 8080).to("198.51.100.7", 40000).tcp(kTcpAck)};
  for (int i = 0; i < 40000; ++i) {
    Bytes frame = seeds[random() % seeds.size()].bytes();
    for (uint32_t change = random() % 4; change > 0; --change) {
      const size_t at = 12 + random() % (frame.size() - 12);
      if (random() % 2)
        frame[at] ^= static_cast<uint8_t>(1u << random() % 8);
      else
        frame[at] = static_cast<uint8_t>(random());
    }
    if (random() % 2) make_ip_checksum_right(frame);
    if (random() % 8 == 0) frame.resize(random() % (frame.size() + 40));
    rte_mbuf* mbuf = mbuf_of(frame, mbuf_pool(), random() % 2 ? kOutside : kInside);
    const Outcome outcome = lb.send_mbufs({mbuf});
    const bool answered = !outcome.sent.empty() && !outcome.dropped.empty();
    ASSERT_EQ(
        outcome.sent.size() + outcome.to_kernel.size() + outcome.dropped.size() + outcome.waiting,
        answered ? 2u : 1u)
        << describe(frame);
    if (i % 100 == 0 || outcome.waiting > 0) lb.advance(3000);
  }
}

}  // namespace
}  // namespace shunt::dataplane
