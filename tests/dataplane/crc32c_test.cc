#include "dataplane/crc32c.h"

#include <gmock/gmock.h>

#include <cstring>

#include "tests/support/checksums.h"

namespace shunt::dataplane {
namespace {

using namespace test;

Bytes counting(size_t bytes) {
  Bytes data(bytes);
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<uint8_t>(i * 7 + 3);
  return data;
}

// RFC 3720 appendix B.4: the test vectors of this CRC.
TEST(Crc32c, ReferenceIsRfc3720s) {
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  Bytes ascending(32);
  for (size_t i = 0; i < 32; ++i) ascending[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

TEST(Crc32c, DeltaIsWhatAChangeOfTheFirstFourBytesMakes) {
  for (const size_t bytes : {4u, 5u, 7u, 11u, 12u, 13u, 20u, 27u, 28u, 1440u, 1441u, 65515u}) {
    for (const uint32_t delta : {0x00000001u, 0x80000000u, 0x00ff0000u, 0xdeadbeefu, 0u}) {
      const Bytes before = counting(bytes);
      Bytes after = before;
      for (size_t i = 0; i < 4; ++i) after[i] ^= static_cast<uint8_t>(delta >> 8 * i);
      EXPECT_EQ(crc32c(before) ^ crc32c_delta(delta, bytes - 4), crc32c(after)) << bytes << " " << delta;
    }
  }
}

}  // namespace
}  // namespace shunt::dataplane
