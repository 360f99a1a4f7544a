#include "dataplane/schedulers/siphash.h"

#include <gmock/gmock.h>

#include <array>
#include <span>

namespace shunt::dataplane {
namespace {

// Key 00 01 .. 0f and input 00 01 .. of all published vectors.
constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

constexpr std::array<uint8_t, 16> kCounting{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The paper's appendix A.
TEST(SipHash, PapersVector) {
  EXPECT_EQ((siphash<2, 4>(std::span(kCounting).first(15), kKey)), 0xa129ca6149be45e5u);
}

// Linux's self-test of hsiphash on 64-bit machines, inputs of 0 to 8 bytes.
TEST(SipHash, LinuxsHsiphashVectors) {
  const uint32_t expected[] = {0x050fc4dc, 0x7d57ca93, 0x4dc7d44d, 0xe7ddf7fb, 0x88d38328,
                               0x49533b67, 0xc59f22a7, 0x9bb11140, 0x8d299a8e};
  for (size_t length = 0; length < std::size(expected); ++length) {
    EXPECT_EQ(static_cast<uint32_t>(siphash<1, 3>(std::span(kCounting).first(length), kKey)),
              expected[length])
        << length << " bytes";
  }
}

TEST(SipHash, OneIntegerIsItsFourBytes) { EXPECT_EQ(hsiphash(0x03020100, kKey), 0x88d38328u); }

}  // namespace
}  // namespace shunt::dataplane
