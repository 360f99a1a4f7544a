// parse.h for IPv6: extension headers, and the two ways through the parser.
#include <gmock/gmock.h>

#include <random>

#include "dataplane/family.h"
#include "dataplane/parse.h"
#include "tests/dataplane/buffers.h"
#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

// Where things lie in a frame.
constexpr size_t kVersion = 14;
constexpr size_t kPayloadLength = 18;
constexpr size_t kL4 = 54;  // or the first extension header

class ParseIpv6 : public testing::Test {
 protected:
  ParseIpv6() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      lb.add_real(lb.add_service(protocol, "2001:db8:ff::10", 80, Method::kNat), "2001:db8:1::1", 8080);
    }
    lb.publish();
  }

  static PacketBuilder client() { return a_packet().from("2001:db8:ff::7", 40000).to("2001:db8:ff::10", 80); }
  static PacketBuilder syn() { return client().tcp(kTcpSyn); }
  static PacketBuilder datagram() { return client().udp().payload_of(20); }
  // Cuts the frame off, or says another length than it has.
  static std::function<void(Bytes&)> cut_to(size_t bytes) {
    return [bytes](Bytes& frame) { frame.resize(bytes); };
  }
  static std::function<void(Bytes&)> saying(size_t payload) {
    return [payload](Bytes& frame) { say(frame, payload); };
  }
  static std::function<void(Bytes&)> cut_to_payload(size_t bytes) {
    return [bytes](Bytes& frame) { frame.resize(kL4 + bytes), say(frame, bytes); };
  }
  static std::function<void(Bytes&)> with(size_t at, uint8_t byte) {
    return [at, byte](Bytes& frame) { frame[at] = byte; };
  }
  static void say(Bytes& frame, size_t payload) {
    frame[kPayloadLength] = static_cast<uint8_t>(payload >> 8);
    frame[kPayloadLength + 1] = static_cast<uint8_t>(payload);
  }
  // A fragment header: the offset in units of eight bytes.
  static PacketBuilder fragment(PacketBuilder of, uint16_t offset, bool more) {
    const auto field = static_cast<uint16_t>(offset << 3 | (more ? 1 : 0));
    return of.extension(kIpv6Fragment, {static_cast<uint8_t>(field >> 8), static_cast<uint8_t>(field), 1, 2, 3, 4});
  }
  static PacketBuilder with_extensions(int count) {
    PacketBuilder packet = syn();
    for (int i = 0; i < count; ++i) packet.extension(kIpv6DestinationOptions);
    return packet;
  }

  WorkerFixture lb;
};

TEST_F(ParseIpv6, MalformedPacketsAreCountedDrops) {
  struct Hostile {
    const char* name;
    const char* outcome;
    PacketBuilder packet;
  };
  const auto behind = [](PacketBuilder packet) { return packet.extension(kIpv6HopByHop); };
  const Hostile table[] = {
      {"version 4", "dropped bad_ip_header", syn().then(with(kVersion, 0x45))},
      {"version 7", "dropped bad_ip_header", syn().then(with(kVersion, 0x70))},
      {"payload length beyond the frame", "dropped truncated", syn().then(saying(21))},
      {"payload length 65535", "dropped truncated", syn().then(saying(65535))},
      {"frame cut inside the IPv6 header", "dropped truncated", syn().then(cut_to(53))},
      {"frame cut after the Ethernet header", "dropped truncated", syn().then(cut_to(14))},
      {"frame cut inside the TCP header", "dropped truncated", syn().then(cut_to(70))},
      {"no TCP at all", "dropped bad_l4_header", syn().then(cut_to_payload(0))},
      {"a jumbogram's length", "dropped bad_l4_header", syn().then(saying(0))},
      {"a jumbogram", "dropped bad_extension_header",
       syn().extension(kIpv6HopByHop, {0xc2, 4, 0, 1, 0, 0}).then(saying(0))},
      {"TCP in 19 bytes", "dropped bad_l4_header", syn().then(cut_to_payload(19))},
      {"TCP data offset of 16 bytes", "dropped bad_l4_header", syn().then(with(kL4 + 12, 0x40))},
      {"TCP data offset beyond the packet", "dropped bad_l4_header", syn().then(with(kL4 + 12, 0x60))},
      {"UDP in 7 bytes", "dropped bad_l4_header", datagram().then(cut_to_payload(7))},
      {"no UDP at all", "dropped bad_l4_header", datagram().then(cut_to_payload(0))},
      {"UDP length 7", "dropped bad_l4_header", datagram().then(with(kL4 + 5, 7))},
      {"UDP length 0", "dropped bad_l4_header", datagram().then(with(kL4 + 5, 0))},
      {"UDP length beyond the packet", "dropped bad_l4_header", datagram().then(with(kL4 + 5, 29))},
      {"extension header of 7 bytes", "dropped bad_extension_header", behind(syn()).then(cut_to_payload(7))},
      {"no extension header at all", "dropped bad_extension_header", behind(syn()).then(cut_to_payload(0))},
      {"extension header beyond the packet", "dropped bad_extension_header", behind(syn()).then(with(kL4 + 1, 3))},
      {"longest extension header", "dropped bad_extension_header", behind(syn()).then(with(kL4 + 1, 255))},
      {"second extension header beyond the packet", "dropped bad_extension_header",
       behind(syn()).extension(kIpv6DestinationOptions).then(with(kL4 + 9, 3))},
      {"extension header up to the end", "dropped bad_l4_header",
       behind(syn()).payload_of(4).then(with(kL4 + 1, 3))},
      {"TCP cut behind an extension header", "dropped bad_l4_header", behind(syn()).then(cut_to_payload(27))},
      {"UDP longer than what the extension header leaves", "dropped bad_l4_header",
       behind(datagram()).then(with(kL4 + 13, 29))},
      {"seven extension headers", "dropped bad_extension_header", with_extensions(7)},
      {"fragment header cut", "dropped bad_extension_header", fragment(syn(), 0, true).then(cut_to_payload(7))},
      {"another machine's MAC address", "dropped not_our_mac", syn().to_mac(mac(0x77))},
      {"the other port's MAC address", "dropped not_our_mac", syn().to_mac(kInsideMac)},
  };
  for (const Hostile& hostile : table) {
    SCOPED_TRACE(hostile.name);
    EXPECT_EQ(lb.send(hostile.packet).summary(), hostile.outcome) << describe(hostile.packet.bytes());
  }
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 0u);
}

TEST_F(ParseIpv6, WhatIsNotOursGoesToTheKernelAsItCame) {
  const MacAddress all_nodes{{0x33, 0x33, 0, 0, 0, 1}};
  const auto to_us = [] { return a_packet().from("2001:db8:ff::7", 179).to("2001:db8::a", 40000); };
  const PacketBuilder table[] = {
      client().icmp(128, 0).payload("ping"),
      a_packet().from("fe80::1").to("ff02::1:ff00:a").icmp(135, 0).to_mac({{0x33, 0x33, 0xff, 0, 0, 0x0a}}),
      a_packet().from("fe80::1").to("fe80::a").icmp(136, 0),
      a_packet().from("fe80::1").to("ff02::1").icmp(130, 0).extension(kIpv6HopByHop, {5, 2, 0, 0}).to_mac(all_nodes),
      to_us().protocol(89).payload("ospf"),
      client().protocol(50).payload("esp"),
      client().protocol(51).payload("authentication header"),
      client().protocol(kIpv6NoNext),
      client().protocol(kIpv6NoNext).payload("ignored").extension(kIpv6DestinationOptions),
      to_us().tcp(kTcpAck),
      to_us().udp(),
      syn().to("2001:db8:ff::10", 81),
      fragment(to_us().udp().payload("half"), 0, true),
      fragment(to_us().tcp(kTcpAck), 1, false).extension(kIpv6DestinationOptions),
      syn().extension(kIpv6Routing, {4, 1, 0, 0, 0, 0}),
      syn().extension(kIpv6HopByHop).extension(kIpv6Routing, {3, 255}),
      syn().to_mac(all_nodes),
  };
  for (const PacketBuilder& packet : table) {
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "kernel 0") << describe(packet.bytes());
    EXPECT_EQ(outcome.to_kernel[0].bytes, packet.bytes());
  }
  EXPECT_EQ(lb.worker().counters.kernel_packets.read(), std::size(table));
}

TEST_F(ParseIpv6, AsManyExtensionHeadersAsAnybodyNeedsAreSkipped) {
  for (int count = 0; count <= 6; ++count) {
    const Outcome outcome = lb.send(with_extensions(count));
    ASSERT_EQ(outcome.summary(), "sent 1") << count;
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "") << describe(outcome.sent[0].bytes);
  }
  // A long one; the longest has 2,048 bytes, more than a port takes.
  EXPECT_EQ(lb.send(syn().extension(kIpv6DestinationOptions, Bytes(1398, 0))).summary(), "sent 1");
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 1u) << "all of one flow";
}

// IPv6's header has no checksum: what a driver says of one is of no matter.
TEST_F(ParseIpv6, DriversWordOnTheHeaderChecksumDoesNotCount) {
  for (const auto& packet : {syn(), syn().extension(kIpv6HopByHop)}) {
    rte_mbuf* mbuf = packet.build(mbuf_pool());
    mbuf->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
    EXPECT_EQ(lb.send_mbufs({mbuf}).summary(), "sent 1");
  }
}

TEST_F(ParseIpv6, HeadersSplitOverBuffersAreDroppedAndPayloadIsNot) {
  const PacketBuilder packets[] = {syn().payload_of(100), syn().extension(kIpv6HopByHop).payload_of(100),
                                   syn().tcp_options(Bytes(12, 1)).payload_of(100),
                                   datagram().extension(kIpv6HopByHop).extension(kIpv6DestinationOptions),
                                   datagram().extension(kIpv6DestinationOptions, Bytes(22, 0))};
  const size_t header_ends[] = {74, 82, 86, 78, 86};
  for (size_t i = 0; i < std::size(packets); ++i) {
    const Bytes frame = packets[i].bytes();
    for (size_t first = 1; first < frame.size(); ++first) {
      const Outcome outcome = lb.send_mbufs({in_two_buffers(frame, first)});
      ASSERT_EQ(outcome.summary(), first < header_ends[i] ? "dropped truncated" : "sent 1") << i << ": " << first;
      for (const auto& sent : outcome.sent) EXPECT_EQ(checksum_errors(sent.bytes), "") << i << ": " << first;
    }
  }
}

// Nearly every packet is parsed by a short path: what that accepts the careful one must read in the same way, and what
// the careful one finds plain the short one must accept.
TEST_F(ParseIpv6, ShortAndCarefulPathAgree) {
  std::mt19937 random(20260103);
  int plain_ones = 0;
  int refused = 0;
  for (int i = 0; i < 60000; ++i) {
    PacketBuilder seed = random() % 2 ? syn().payload_of(8) : datagram();
    if (random() % 8 == 0) seed.extension(kIpv6HopByHop);
    Bytes frame = seed.bytes();
    // The frame's type, the first bytes of the IPv6 header, TCP's and UDP's: what decides.
    for (uint32_t change = random() % 3; change > 0; --change) {
      frame[12 + (random() % 2 ? random() % 10 : kL4 - 12 + random() % 20)] = static_cast<uint8_t>(random());
    }
    rte_mbuf* mbuf = mbuf_of(frame, mbuf_pool());
    Packet plain{};
    plain.mbuf = mbuf;
    plain.in_port = kOutside;
    Packet careful = plain;
    parse_carefully(lb.worker(), lb.snapshot(), careful);
    const bool is_plain = parsing::parse_plain6(lb.worker().ports[kOutside], plain);
    const bool seems_plain = is_on_its_way<Ipv6>(careful) && careful.l4 == reinterpret_cast<uint8_t*>(careful.ip6 + 1);
    EXPECT_EQ(is_plain, seems_plain) << describe(frame);
    if (is_plain && seems_plain) {
      ++plain_ones;
      EXPECT_EQ(plain.ip6, careful.ip6);
      EXPECT_EQ(plain.l4, careful.l4);
      EXPECT_EQ(plain.ip_bytes, careful.ip_bytes) << describe(frame);
      EXPECT_EQ(plain.tcp_flags, careful.tcp_flags) << describe(frame);
      EXPECT_EQ(plain.ports_and_protocol, careful.ports_and_protocol) << describe(frame);
    } else {
      ++refused;
    }
    rte_pktmbuf_free(mbuf);
    if (HasFailure()) return;
  }
  EXPECT_GT(plain_ones, 10000);
  EXPECT_GT(refused, 10000);
}

// Bits flipped, bytes overwritten, frames cut and stretched: anything may come of it but a crash, a lost buffer or an
// unaccounted packet. The address sanitizer watches.
TEST_F(ParseIpv6, MutatedPacketsAreAllAccountedFor) {
  std::mt19937 random(20260104);
  const std::vector<PacketBuilder> seeds = {
      syn().payload_of(40), datagram(), with_extensions(3), fragment(syn().payload_of(20), 0, true),
      syn().extension(kIpv6HopByHop).extension(kIpv6Routing, {4, 0}).tcp_options(Bytes(20, 1)),
      a_packet().from("2001:db8:1::1", 8080).to("2001:db8:ff::7", 40000).tcp(kTcpAck)};
  for (int i = 0; i < 40000; ++i) {
    Bytes frame = seeds[random() % seeds.size()].bytes();
    for (uint32_t change = random() % 4; change > 0; --change) {
      const size_t at = 12 + random() % (frame.size() - 12);
      if (random() % 2) frame[at] ^= static_cast<uint8_t>(1u << random() % 8);
      else frame[at] = static_cast<uint8_t>(random());
    }
    if (random() % 8 == 0) frame.resize(random() % (frame.size() + 40));
    const Outcome outcome = lb.send_mbufs({mbuf_of(frame, mbuf_pool(), random() % 2 ? kOutside : kInside)});
    const bool answered = !outcome.sent.empty() && !outcome.dropped.empty();
    ASSERT_EQ(outcome.sent.size() + outcome.to_kernel.size() + outcome.dropped.size() + outcome.waiting,
              answered ? 2u : 1u)
        << describe(frame);
    if (i % 100 == 0 || outcome.waiting > 0) lb.advance(3000);
  }
}

}  // namespace
}  // namespace shunt::dataplane
