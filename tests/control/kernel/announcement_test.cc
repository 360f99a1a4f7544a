#include "control/kernel/announcement.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/checksums.h"

namespace shunt::control {
namespace {

using ::testing::ElementsAreArray;

const MacAddress kMac = *MacAddress::parse("02:00:00:00:00:a0");

TEST(Announcement, AnIpv4AddressIsAnnouncedByARequestForItself) {
  // clang-format off
  const std::vector<uint8_t> expected = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0xa0, 8, 6,  // to everybody
      0, 1, 8, 0, 6, 4, 0, 1,                                         // ARP request
      2, 0, 0, 0, 0, 0xa0, 203, 0, 113, 10,                           // from it
      0, 0, 0, 0, 0, 0, 203, 0, 113, 10};                             // for it
  // clang-format on
  EXPECT_THAT(announcement_frame(kMac, *IpAddress::parse("203.0.113.10")),
              ElementsAreArray(expected));
}

TEST(Announcement, AnIpv6AddressIsAnnouncedByAnAdvertisementThatOverrides) {
  std::vector<uint8_t> frame = announcement_frame(kMac, *IpAddress::parse("2001:db8::10"));
  ASSERT_EQ(frame.size(), 86u);

  // The checksum over pseudo header and message, which contains it.
  std::vector<uint8_t> summed(frame.begin() + 22, frame.begin() + 54);
  for (const uint8_t byte : {0, 0, 0, 32, 0, 0, 0, 58}) summed.push_back(byte);
  summed.insert(summed.end(), frame.begin() + 54, frame.end());
  EXPECT_EQ(shunt::test::internet_checksum(summed), 0);

  std::fill_n(frame.begin() + 56, 2, uint8_t{0});
  // clang-format off
  const std::vector<uint8_t> expected = {
      0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xa0, 0x86, 0xdd,        // to all nodes
      0x60, 0, 0, 0, 0, 32, 58, 255,                                  // hop limit 255
      0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,     // from the address
      0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,              // to ff02::1
      136, 0, 0, 0, 0x20, 0, 0, 0,                                    // unsolicited, override
      0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,     // the target
      2, 1, 2, 0, 0, 0, 0, 0xa0};                                     // is at this MAC address
  // clang-format on
  EXPECT_THAT(frame, ElementsAreArray(expected));
}

}  // namespace
}  // namespace shunt::control
