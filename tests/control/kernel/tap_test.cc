#include "control/kernel/tap.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/control/kernel/tap_frames.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using shunt::test::be16_at;
using shunt::test::Frame;
using ::testing::HasSubstr;
using ::testing::Not;

class TapTest : public shunt::test::OwnNetwork {
 protected:
  TapOptions options_{
      "sh-t0",
      *MacAddress::parse("02:00:00:00:00:aa"),
      1400,
      {*InterfaceAddress::parse("10.0.0.1/24"), *InterfaceAddress::parse("fd00::1/64")}};
};

TEST_F(TapTest, IsUpWithMacMtuAndAddresses) {
  const auto tap = Tap::create(options_);
  ASSERT_TRUE(tap) << tap.error().message;
  const std::string shown = ip("addr show dev sh-t0");
  EXPECT_THAT(shown, HasSubstr(",UP"));
  EXPECT_THAT(shown, HasSubstr("02:00:00:00:00:aa"));
  EXPECT_THAT(shown, HasSubstr("mtu 1400"));
  EXPECT_THAT(shown, HasSubstr("inet 10.0.0.1/24 brd 10.0.0.255 scope global"));
  EXPECT_THAT(shown, HasSubstr("inet6 fd00::1/64"));
  EXPECT_THAT(ip("route"), HasSubstr("10.0.0.0/24 dev sh-t0"));
  EXPECT_EQ(tap->ifindex(), static_cast<int>(::if_nametoindex("sh-t0")));
}

TEST_F(TapTest, GoesWithTheObject) {
  {
    const auto tap = Tap::create(options_);
    ASSERT_TRUE(tap);
    ASSERT_NE(::if_nametoindex("sh-t0"), 0u);
  }
  EXPECT_EQ(::if_nametoindex("sh-t0"), 0u);
}

TEST_F(TapTest, ATakenNameIsAConflictAlsoWhenThatTapIsPersistentAndUnused) {
  ip("tuntap add dev sh-t0 mode tap");
  const auto tap = Tap::create(options_);
  ASSERT_FALSE(tap);
  EXPECT_EQ(tap.error().code, ErrorCode::kConflict);
  EXPECT_THAT(tap.error().message, HasSubstr("sh-t0"));
  EXPECT_THAT(tap.error().message, HasSubstr("ip link del sh-t0"));
  EXPECT_THAT(ip("link"), HasSubstr("sh-t0"));
}

TEST_F(TapTest, ABadAddressLeavesNoInterfaceBehind) {
  options_.addresses = {*InterfaceAddress::parse("ff02::1/64")};
  const auto tap = Tap::create(options_);
  ASSERT_FALSE(tap);
  EXPECT_EQ(tap.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(tap.error().message, HasSubstr("ff02::1/64"));
  EXPECT_EQ(::if_nametoindex("sh-t0"), 0u);
}

TEST_F(TapTest, ABadNameIsInvalid) {
  for (const char* name : {"", "sixteencharacter", "a/b", "tap%d"}) {
    options_.name = name;
    const auto tap = Tap::create(options_);
    ASSERT_FALSE(tap) << name;
    EXPECT_EQ(tap.error().code, ErrorCode::kInvalid) << name;
  }
}

TEST_F(TapTest, SetsFiltersOfItsOwnInterfaceOnly) {
  const auto tap = Tap::create(options_);
  ASSERT_TRUE(tap);
  const auto setting = [](const std::string& name) {
    FILE* file = std::fopen(("/proc/sys/net/ipv4/conf/" + name).c_str(), "r");
    const int value = file ? std::fgetc(file) : 'x';
    if (file) std::fclose(file);
    return static_cast<char>(value);
  };
  EXPECT_EQ(setting("sh-t0/rp_filter"), '2');
  EXPECT_EQ(setting("sh-t0/arp_announce"), '2');
  EXPECT_EQ(setting("sh-t0/arp_notify"), '1');
  EXPECT_EQ(setting("lo/arp_announce"), '0');
  EXPECT_EQ(setting("all/arp_announce"), '0');
}

TEST_F(TapTest, HasIpv6SoonWhateverTheDefaultsAre) {
  set_ipv6(false);
  const auto tap = Tap::create(options_);
  ASSERT_TRUE(tap) << tap.error().message;
  EXPECT_TRUE(is_ipv6_usable_soon("sh-t0"));
  const std::string shown = ip("-6 addr show dev sh-t0");
  EXPECT_THAT(shown, HasSubstr("inet6 fe80::ff:fe00:aa/64"));
  EXPECT_THAT(shown, HasSubstr("inet6 fd00::1/64"));
  EXPECT_THAT(ip("-6 route"), HasSubstr("fd00::/64 dev sh-t0"));
  EXPECT_THAT(ip("-6 addr show dev lo"), Not(HasSubstr("::1")))
      << "others' IPv6 is none of its business";
}

TEST_F(TapTest, HasALinkLocalAddressWhereNoneIsTheDefault) {
  FILE* setting = std::fopen("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "w");
  ASSERT_NE(setting, nullptr);
  std::fputs("1", setting);
  std::fclose(setting);
  const auto tap = Tap::create(options_);
  ASSERT_TRUE(tap) << tap.error().message;
  EXPECT_THAT(ip("-6 addr show dev sh-t0"), HasSubstr("inet6 fe80::ff:fe00:aa/64"));
}

uint16_t ones_complement_sum(const Frame& frame, size_t from, size_t to, uint32_t sum) {
  for (size_t i = from; i < to; i += 2)
    sum += static_cast<uint32_t>(frame[i] << 8) | (i + 1 < to ? frame[i + 1] : 0u);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

TEST_F(TapTest, FramesFromLinuxAreBareEthernetWithFullChecksumsAndNoLongerThanTheMtu) {
  const auto tap = Tap::create(options_);
  ASSERT_TRUE(tap);
  ip("neigh add 10.0.0.2 lladdr 02:00:00:00:00:bb dev sh-t0");
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(4711);
  ::inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
  const std::vector<char> payload(1000, 'x');
  ASSERT_EQ(::sendto(socket, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&to),
                     sizeof to),
            1000);
  const std::array<uint8_t, 14> ethernet = {2, 0, 0, 0, 0, 0xbb, 2, 0, 0, 0, 0, 0xaa, 8, 0};
  const auto frame = shunt::test::read_frame(tap->fd(), [&](const Frame& each) {
    return shunt::test::has_bytes_at(each, 0, ethernet.data(), ethernet.size());
  });
  ASSERT_TRUE(frame);
  ASSERT_EQ(frame->size(), 14u + 20 + 8 + 1000);
  EXPECT_EQ(ones_complement_sum(*frame, 14, 34, 0), 0xffff);
  // Pseudo header: addresses, protocol, length.
  EXPECT_NE(be16_at(*frame, 40), 0);
  EXPECT_EQ(ones_complement_sum(*frame, 26, frame->size(), 17 + 1008), 0xffff);

  // 5000 bytes leave in pieces of the MTU, not as one for the device to cut.
  const std::vector<char> large(5000, 'y');
  ASSERT_EQ(
      ::sendto(socket, large.data(), large.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
      5000);
  for (int piece = 0; piece < 4; ++piece) {
    const auto part = shunt::test::read_frame(tap->fd(), [&](const Frame& each) {
      return shunt::test::has_bytes_at(each, 0, ethernet.data(), ethernet.size());
    });
    ASSERT_TRUE(part);
    EXPECT_LE(part->size(), 1414u);
  }
  ::close(socket);
}

}  // namespace
}  // namespace shunt::control
