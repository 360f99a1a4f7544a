#include "dataplane/checksum.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using namespace test;

Be16 be16(uint16_t value) { return Be16::from_host(value); }

// RFC 1071 section 3's numerical example.
TEST(Checksum, Rfc1071Example) {
  const Bytes data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(Be16{fold(sum_of(data.data(), data.size()))}.host(), 0xddf2);
  EXPECT_EQ(checksum_of(data.data(), data.size()).host(), 0x220d);
  EXPECT_EQ(internet_checksum(data), 0x220d);
}

// RFC 1624 section 4: where RFC 1141's update fails.
TEST(Checksum, Rfc1624Example) {
  EXPECT_EQ(updated(be16(0xdd2f), fold(delta_of(be16(0x5555), be16(0x3285)))).host(), 0x0000);
}

// Every sum that a header of 20 bytes could have in its 16-bit words, and sums of eight bytes at a time.
TEST(Checksum, ASumIsAllOnesWhereItsFoldIs) {
  for (uint64_t sum = 1; sum <= 10 * 0xffff; ++sum) {
    ASSERT_EQ(is_all_ones(sum), fold(sum) == 0xffff) << sum;
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t sum = random() | 1;
    const uint64_t multiple = sum / 0xffff * 0xffff;
    ASSERT_EQ(is_all_ones(sum), fold(sum) == 0xffff) << sum;
    ASSERT_TRUE(is_all_ones(multiple)) << multiple;
    ASSERT_FALSE(is_all_ones(multiple + 1)) << multiple;
  }
  EXPECT_TRUE(is_all_ones(UINT64_MAX));
}

TEST(Checksum, AnyLengthAndAlignmentAgreesWithThePlainSum) {
  std::mt19937 random(1);
  Bytes data(300);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() % 4 == 0 ? 0xff : random());
  for (size_t from = 0; from < 8; ++from) {
    for (size_t length = 0; length < 260; ++length) {
      ASSERT_EQ(checksum_of(&data[from], length).host(),
                internet_checksum(std::span(data).subspan(from, length)))
          << from << "+" << length;
    }
  }
}

TEST(Checksum, UpdateEqualsRecomputation) {
  std::mt19937 random(2);
  const uint32_t corners[] = {0,          1,          0xffff,     0x10000,
                              0xffff0000, 0xfffffffe, 0xffffffff, 0x0a000001};
  for (int i = 0; i < 200000; ++i) {
    Bytes data(12);
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() % 3 == 0 ? 0 : random());
    data[0] |= 1;  // a sum of all zero words has two names
    Be32 from;
    std::memcpy(&from, &data[4], 4);
    const Be32 to = Be32::from_host(i % 2 ? static_cast<uint32_t>(random())
                                          : corners[random() % std::size(corners)]);
    const Be16 before = checksum_of(data.data(), data.size());
    const uint16_t delta = fold(delta_of(from, to));
    std::memcpy(&data[4], &to, 4);
    const Be16 after = checksum_of(data.data(), data.size());
    ASSERT_EQ(updated(before, delta).host(), after.host());
    ASSERT_EQ(updated(after, inverse(delta)).host(), before.host());
  }
}

TEST(Checksum, TtlDeltaIsOneHop) {
  for (int ttl = 1; ttl < 256; ++ttl) {
    Bytes header{0x45, 0, 0, 40, 0, 0, 0, 0, static_cast<uint8_t>(ttl), 6, 0, 0,
                 1,    2, 3, 4,  5, 6, 7, 8};
    const Be16 before = checksum_of(header.data(), header.size());
    --header[8];
    EXPECT_EQ(updated(before, kTtlDelta).host(), checksum_of(header.data(), header.size()).host())
        << ttl;
  }
}

// The tests' own verifier must be able to say no.
TEST(ChecksumErrors, EveryWrongChecksumIsNamed) {
  const auto tcp = a_packet().from("1.2.3.4", 5).to("6.7.8.9", 10).tcp(2).payload("odd");
  const auto udp = a_packet().from("1.2.3.4", 5).to("6.7.8.9", 10).udp().payload("even");
  const auto error = a_packet().from("1.2.3.4").to("6.7.8.9").icmp(3, 4, 1400);
  const auto flip = [](size_t at) { return [at](Bytes& frame) { frame[at] ^= 0x10; }; };
  EXPECT_EQ(checksum_errors(tcp.bytes()), "");
  EXPECT_EQ(checksum_errors(udp.bytes()), "");
  EXPECT_EQ(checksum_errors(PacketBuilder(tcp).then(flip(24)).bytes()), "IPv4 checksum wrong");
  EXPECT_EQ(checksum_errors(PacketBuilder(tcp).then(flip(56)).bytes()), "TCP checksum wrong");
  EXPECT_EQ(checksum_errors(PacketBuilder(udp).then(flip(43)).bytes()), "UDP checksum wrong");
  EXPECT_EQ(checksum_errors(PacketBuilder(udp).no_udp_checksum().bytes()), "");
  const auto quoting = PacketBuilder(error).payload(tcp.ip_bytes());
  EXPECT_EQ(checksum_errors(quoting.bytes()), "");
  EXPECT_EQ(checksum_errors(PacketBuilder(quoting).then(flip(36)).bytes()), "ICMP checksum wrong");
  Bytes spoiled = tcp.ip_bytes();
  spoiled[30] ^= 1;
  EXPECT_EQ(checksum_errors(PacketBuilder(error).payload(spoiled).bytes()),
            "quoted TCP checksum wrong");
  Bytes inner = udp.ip_bytes();
  inner[11] ^= 1;
  EXPECT_EQ(
      checksum_errors(a_packet().from("1.1.1.1").to("2.2.2.2").protocol(4).payload(inner).bytes()),
      "inner IPv4 checksum wrong");
}

TEST(ChecksumErrors, BuildersHeaderIsTheTextbooks) {
  // The IPv4 header that textbooks compute by hand: checksum b861.
  const Bytes frame = [] {
    Bytes bytes(14);
    bytes[12] = 8;
    const Bytes header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    bytes.insert(bytes.end(), header.begin(), header.end());
    return bytes;
  }();
  EXPECT_EQ(internet_checksum(std::span(frame).subspan(14)), 0);
  const Bytes built =
      a_packet().from("192.168.0.1", 1).to("192.168.0.199", 2).udp().df().payload_of(87).bytes();
  EXPECT_EQ(Bytes(built.begin() + 14, built.begin() + 34), Bytes(frame.begin() + 14, frame.end()));
}

}  // namespace
}  // namespace shunt::dataplane
