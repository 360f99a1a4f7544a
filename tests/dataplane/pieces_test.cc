#include "dataplane/pieces.h"

#include <gmock/gmock.h>

#include <numeric>

#include "tests/dataplane/buffers.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint16_t kMtu = 1000;

class Pieces : public testing::Test {
 protected:
  RealId serve(Method method, Protocol protocol = Protocol::kTcp) {
    const ServiceId service = lb.add_service(protocol, "203.0.113.10", 80, method);
    lb.add_local_address(service, "10.0.0.100");
    const RealId real = lb.add_real(service, "10.0.0.1", 8080);
    lb.hop_of(real).mtu = kMtu;
    lb.publish();
    lb.send(client().tcp(kTcpSyn));
    return real;
  }
  static PacketBuilder client() { return a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).id(77); }

  // Expects pieces that fit kMtu, and puts them together again (RFC 791 section 3.2): the packet from its IP header on.
  static Bytes put_together(const Outcome& outcome, size_t expected_pieces, size_t header = 20) {
    EXPECT_EQ(outcome.sent.size(), expected_pieces) << outcome.summary();
    Bytes whole;
    size_t end = 0;
    for (size_t i = 0; i < outcome.sent.size(); ++i) {
      const Bytes& frame = outcome.sent[i].bytes;
      EXPECT_EQ(checksum_errors(frame), "");
      const Bytes ip(frame.begin() + 14, frame.end());
      EXPECT_LE(ip.size(), kMtu);
      EXPECT_EQ(ip.size(), ip[2] * 256u + ip[3]);
      const uint32_t place = ip[6] * 256u + ip[7];
      EXPECT_EQ((place & 0x1fff) * 8, end) << "piece " << i;
      EXPECT_EQ(place & 0xe000, i + 1 < outcome.sent.size() ? 0x2000u : 0u);
      if (i == 0) whole.assign(ip.begin(), ip.begin() + static_cast<long>(header));
      whole.insert(whole.end(), ip.begin() + static_cast<long>(header), ip.end());
      end += ip.size() - header;
    }
    if (whole.size() < header) return whole;
    whole[2] = static_cast<uint8_t>(whole.size() >> 8);
    whole[3] = static_cast<uint8_t>(whole.size());
    whole[6] = whole[7] = whole[10] = whole[11] = 0;
    const uint16_t sum = internet_checksum(std::span(whole).first(header));
    whole[10] = static_cast<uint8_t>(sum >> 8);
    whole[11] = static_cast<uint8_t>(sum);
    return whole;
  }

  WorkerFixture lb;
};

TEST_F(Pieces, DirectPacketsAreCut) {
  const RealId real = serve(Method::kDirect);
  const auto packet = client().tcp(kTcpAck).payload_of(1400);
  const Outcome outcome = lb.send(packet);
  EXPECT_EQ(put_together(outcome, 2), PacketBuilder(packet).ttl(63).ip_bytes());
  for (const auto& frame : outcome.sent) {
    EXPECT_EQ(frame.port, kInside);
    const Bytes head(frame.bytes.begin(), frame.bytes.begin() + 14);
    const Bytes expected = PacketBuilder(packet).from_mac(kInsideMac).to_mac(real_mac(real)).bytes();
    EXPECT_TRUE(std::equal(head.begin(), head.end(), expected.begin()));
  }
  EXPECT_EQ(lb.counters(real).in_packets.read(), 2u) << "the SYN and one packet";
}

TEST_F(Pieces, WhatFitsIsSentWhole) {
  serve(Method::kDirect);
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).payload_of(kMtu - 40)).summary(), "sent 1");
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).payload_of(kMtu - 39)).summary(), "sent 1, sent 1");
}

TEST_F(Pieces, NatRequestsAndRepliesAreCutAsTranslated) {
  serve(Method::kNat, Protocol::kUdp);
  lb.send(client().udp());
  EXPECT_EQ(
      put_together(lb.send(client().udp().payload_of(1300)), 2),
      a_packet().from("198.51.100.7", 40000).to("10.0.0.1", 8080).udp().payload_of(1300).id(77).ttl(63).ip_bytes());
  lb.gateway().mtu = kMtu;
  lb.publish();
  const auto reply = a_packet().from("10.0.0.1", 8080).to("198.51.100.7", 40000).to_mac(kInsideMac).udp().id(5);
  const Outcome outcome = lb.send(PacketBuilder(reply).payload_of(1400), kInside);
  EXPECT_EQ(
      put_together(outcome, 2),
      a_packet().from("203.0.113.10", 80).to("198.51.100.7", 40000).udp().payload_of(1400).id(5).ttl(63).ip_bytes());
  EXPECT_EQ(outcome.sent[0].port, kOutside);
}

TEST_F(Pieces, OfATunnelsPacketTheOuterOneIsCut) {
  serve(Method::kTunnel);
  const auto packet = client().tcp(kTcpAck).payload_of(1300);
  const uint16_t id = lb.worker().next_ip_id;
  EXPECT_EQ(put_together(lb.send(packet), 2),
            a_packet().from("10.0.0.254").to("10.0.0.1").ipip(PacketBuilder(packet).ttl(63)).ttl(63).id(id).ip_bytes());
}

TEST_F(Pieces, OptionsStayInThePieces) {
  serve(Method::kDirect);
  // No operation is not copied to later pieces; record route neither (RFC 791 section 3.1).
  const auto packet = client().ip_options({0x83, 7, 4, 1, 2, 3, 4, 0}).tcp(kTcpAck).payload_of(1300);
  EXPECT_EQ(put_together(lb.send(packet), 2, 28), PacketBuilder(packet).ttl(63).ip_bytes());
}

TEST_F(Pieces, EthernetPaddingAndTwoBuffersMakeNoDifference) {
  serve(Method::kDirect);
  const auto packet = client().tcp(kTcpAck).payload_of(1300);
  const Bytes padded = PacketBuilder(packet).padded_to(1400).bytes();
  EXPECT_EQ(put_together(lb.send_mbufs({in_two_buffers(padded, 500)}), 2), PacketBuilder(packet).ttl(63).ip_bytes());
}

TEST_F(Pieces, AManyTimesTooLargePacketIsCutIntoAsManyAsItTakes) {
  const RealId real = serve(Method::kDirect);
  lb.hop_of(real).mtu = 576;
  lb.publish();
  const auto packet = client().tcp(kTcpAck).payload_of(1900);
  EXPECT_EQ(put_together(lb.send(packet), 4), PacketBuilder(packet).ttl(63).ip_bytes());
}

// IPv6 packets of a tunnel: behind the outer header a fragment header of 8 bytes (RFC 8200 section 4.5).
class Ipv6Pieces : public testing::Test {
 protected:
  static constexpr uint16_t kPath = 1300;
  Ipv6Pieces() {
    const ServiceId service = lb.add_service(Protocol::kTcp, "2001:db8:ff::10", 80, Method::kTunnel);
    lb.hop_of(lb.add_real(service, "2001:db8:1::1", 80)).mtu = kPath;
    lb.publish();
    lb.send(client().tcp(kTcpSyn));
  }
  static PacketBuilder client() { return a_packet().from("2001:db8:ff::7", 40000).to("2001:db8:ff::10", 80); }
  static PacketBuilder of_bytes(size_t bytes) { return client().tcp(kTcpAck).payload_of(bytes - 60); }

  WorkerFixture lb;
};

TEST_F(Ipv6Pieces, WhatEveryClientMaySendIsCutOutside) {
  std::vector<Bytes> ids;
  for (int turn = 0; turn < 2; ++turn) {
    const auto packet = of_bytes(1280);
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.summary(), "sent 1, sent 1");
    Bytes whole;
    for (const auto& frame : outcome.sent) {
      const Bytes ip(frame.bytes.begin() + 14, frame.bytes.end());
      EXPECT_LE(ip.size(), kPath);
      EXPECT_EQ(ip.size(), 40u + ip[4] * 256u + ip[5]);
      EXPECT_EQ(ip[6], 44) << "a fragment header";
      EXPECT_EQ(ip[40], 41) << "of IPv6 in IPv6";
      const uint32_t place = ip[42] * 256u + ip[43];
      EXPECT_EQ(place & ~7u, whole.empty() ? 0 : whole.size() - 40);
      EXPECT_EQ(place & 1, whole.empty() ? 1u : 0u);
      ids.emplace_back(ip.begin() + 44, ip.begin() + 48);
      if (whole.empty()) whole.assign(ip.begin(), ip.begin() + 40);
      whole.insert(whole.end(), ip.begin() + 48, ip.end());
    }
    whole[4] = static_cast<uint8_t>((whole.size() - 40) >> 8);
    whole[5] = static_cast<uint8_t>(whole.size() - 40);
    whole[6] = 41;
    EXPECT_EQ(whole, a_packet()
                         .from("2001:db8:1::fe")
                         .to("2001:db8:1::1")
                         .ipip(PacketBuilder(packet).ttl(63))
                         .ttl(63)
                         .ip_bytes());
  }
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[2], ids[3]);
  EXPECT_NE(ids[0], ids[2]) << "pieces of two packets must not be mixed up";
}

TEST_F(Ipv6Pieces, WhatFitsIsNotCutAndWhatIsMoreIsRefused) {
  EXPECT_EQ(lb.send(of_bytes(kPath - 40)).summary(), "sent 1");
  EXPECT_EQ(lb.send(of_bytes(kPath - 39)).summary(), "sent 1, sent 1");
  const Outcome refused = lb.send(of_bytes(1281));
  ASSERT_EQ(refused.summary(), "sent 0, dropped too_big");
  EXPECT_THAT(describe(refused.sent[0].bytes), testing::HasSubstr("icmpv6 2/0 rest 1280 "));
}

TEST_F(Pieces, WhoForbidsItIsAnswered) {
  serve(Method::kDirect);
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).df().payload_of(1400)).summary(), "sent 0, dropped too_big");
}

}  // namespace
}  // namespace shunt::dataplane
