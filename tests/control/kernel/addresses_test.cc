#include "control/kernel/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "control/kernel/announcement.h"
#include "control/kernel/tap.h"
#include "tests/control/kernel/tap_frames.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using namespace std::chrono_literals;
using shunt::test::Frame;
using shunt::test::is_arp;
using shunt::test::is_neighbour_message;
using shunt::test::read_frame;
using ::testing::HasSubstr;
using ::testing::Not;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

class AddressesTest : public shunt::test::OwnNetwork {
 protected:
  static constexpr uint16_t kPort = 5;

  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    make_tap();
    auto addresses = Addresses::open(loop_, {{kPort, "sh-a0"}});
    ASSERT_TRUE(addresses) << addresses.error().message;
    addresses_ = std::move(*addresses);
  }

  void make_tap() {
    tap_.reset();
    auto tap = Tap::create(
        {"sh-a0",
         mac_,
         1500,
         {*InterfaceAddress::parse("10.0.0.1/24"), *InterfaceAddress::parse("2001:db8::1/64")}});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_.emplace(std::move(*tap));
  }

  void set(const std::vector<IpAddress>& wanted) {
    const auto result = addresses_->set(kPort, wanted);
    EXPECT_TRUE(result) << result.error().message;
  }
  std::string shown() const { return ip("addr show dev sh-a0"); }

  // Announcements of `vip` that leave the interface while the loop runs for `time`.
  int announcements(const IpAddress& vip, std::chrono::milliseconds time) {
    loop_.restart();
    loop_.run_for(time);
    int count = 0;
    const auto announced = vip.is_v4() ? is_arp(1, vip, vip) : is_neighbour_message(136, vip);
    while (const auto frame = read_frame(tap_->fd(), announced, 20ms)) {
      EXPECT_EQ(*frame, announcement_frame(mac_, vip));
      ++count;
    }
    return count;
  }

  const MacAddress mac_ = *MacAddress::parse("02:00:00:00:00:a0");
  asio::io_context loop_;
  std::optional<Tap> tap_;
  std::unique_ptr<Addresses> addresses_;
};

TEST_F(AddressesTest, AddsHostAddressesWithoutRoutesAndRemovesTheUnwanted) {
  set({address("203.0.113.10"), address("203.0.113.11"), address("2001:db8::10")});
  EXPECT_THAT(shown(), HasSubstr("inet 203.0.113.10/32 scope global noprefixroute"));
  EXPECT_THAT(shown(), HasSubstr("inet 203.0.113.11/32"));
  EXPECT_THAT(shown(), HasSubstr("inet6 2001:db8::10/128 scope global"));
  EXPECT_THAT(ip("route"), Not(HasSubstr("203.0.113")));
  EXPECT_THAT(ip("-6 route"), Not(HasSubstr("2001:db8::10")));
  EXPECT_TRUE(is_ipv6_usable_soon("sh-a0"));
  set({address("203.0.113.11")});
  EXPECT_THAT(shown(), Not(HasSubstr("203.0.113.10")));
  EXPECT_THAT(shown(), Not(HasSubstr("2001:db8::10")));
  EXPECT_THAT(shown(), HasSubstr("203.0.113.11"));
  set({});
  EXPECT_THAT(shown(), Not(HasSubstr("203.0.113.11")));
}

TEST_F(AddressesTest, NeverTouchesAddressesOfOthers) {
  ip("addr add 203.0.113.20/32 dev sh-a0");
  // 10.0.0.1 is the interface's own, as a /24.
  set({address("203.0.113.20"), address("10.0.0.1"), address("203.0.113.21")});
  EXPECT_THAT(shown(), Not(HasSubstr("10.0.0.1/32")));
  set({});
  EXPECT_THAT(shown(), HasSubstr("203.0.113.20/32"));
  EXPECT_THAT(shown(), HasSubstr("10.0.0.1/24"));
  EXPECT_THAT(shown(), Not(HasSubstr("203.0.113.21")));
}

TEST_F(AddressesTest, RepairsWhatOthersRemoved) {
  set({address("203.0.113.10")});
  ip("addr del 203.0.113.10/32 dev sh-a0");
  set({address("203.0.113.10")});
  EXPECT_THAT(shown(), HasSubstr("203.0.113.10/32"));
  make_tap();
  set({address("203.0.113.10")});
  EXPECT_THAT(shown(), HasSubstr("203.0.113.10/32"));
}

TEST_F(AddressesTest, ARefusedAddressIsNamedAndTheOthersAreSet) {
  const auto result = addresses_->set(
      kPort, {address("203.0.113.10"), address("ff02::5"), address("203.0.113.12")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(result.error().message, HasSubstr("ff02::5"));
  EXPECT_THAT(shown(), HasSubstr("203.0.113.10/32"));
  EXPECT_THAT(shown(), HasSubstr("203.0.113.12/32"));
}

TEST_F(AddressesTest, APortWithoutKernelPortIsNotFound) {
  const auto result = addresses_->set(kPort + 1, {address("203.0.113.10")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

TEST_F(AddressesTest, ANewVipIsAnnouncedThreeTimesAndAKeptOneNotAgain) {
  const IpAddress vip = address("203.0.113.10");
  set({vip});
  EXPECT_EQ(announcements(vip, 100ms), 1);
  set({vip});
  EXPECT_EQ(announcements(vip, 100ms), 0);
  EXPECT_EQ(announcements(vip, 2200ms), 2);
  EXPECT_EQ(announcements(vip, 1200ms), 0);
}

TEST_F(AddressesTest, ANewIpv6VipIsAnnouncedToo) {
  const IpAddress vip = address("2001:db8::10");
  set({vip});
  EXPECT_EQ(announcements(vip, 100ms), 1);
  EXPECT_EQ(announcements(vip, 2200ms), 2);
  EXPECT_EQ(announcements(vip, 1200ms), 0);
}

TEST_F(AddressesTest, LinuxDoesNotSpeakFromAVipByItself) {
  // Closer to the destination than the machine's own.
  set({address("2001:db8::fffe")});
  EXPECT_THAT(ip("-6 route get 2001:db8::ffff"), HasSubstr("src 2001:db8::1 "));
}

TEST_F(AddressesTest, VipsOutliveTheirInterfaceBeingDown) {
  set({address("203.0.113.10"), address("2001:db8::10")});
  ip("link set sh-a0 down");
  ip("link set sh-a0 up");
  EXPECT_THAT(shown(), HasSubstr("203.0.113.10/32"));
  EXPECT_THAT(shown(), HasSubstr("2001:db8::10/128"));
}

TEST_F(AddressesTest, AVipThatIsGoneIsNotAnnouncedAnyMore) {
  const IpAddress vip = address("203.0.113.10");
  set({vip});
  EXPECT_EQ(announcements(vip, 100ms), 1);
  set({});
  EXPECT_EQ(announcements(vip, 1200ms), 0);
}

TEST_F(AddressesTest, ManyVipsAreAllAnnouncedWithoutOverflowingTheInterface) {
  std::vector<IpAddress> vips;
  for (int i = 0; i < 600; ++i)
    vips.push_back(
        address(("198.18." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250)).c_str()));
  set(vips);
  int count = 0;
  const auto any_announcement = [](const Frame& frame) {
    return frame.size() >= 42 && shunt::test::be16_at(frame, 12) == 0x0806 && frame[28] == 198;
  };
  for (int i = 0; i < 40; ++i) {
    loop_.restart();
    loop_.run_for(5ms);
    while (read_frame(tap_->fd(), any_announcement, 0ms)) ++count;
  }
  EXPECT_EQ(count, 600);
}

TEST_F(AddressesTest, LinuxAnswersForAVip) {
  set({address("203.0.113.10")});
  const Frame request = shunt::test::arp_frame(1, *MacAddress::parse("02:00:00:00:00:bb"),
                                               address("10.0.0.9"), {}, address("203.0.113.10"));
  ASSERT_EQ(::write(tap_->fd(), request.data(), request.size()),
            static_cast<ssize_t>(request.size()));
  EXPECT_TRUE(read_frame(tap_->fd(), is_arp(2, address("203.0.113.10"), address("10.0.0.9"))));
}

TEST_F(AddressesTest, LinuxAnswersForAnIpv6VipAtOnce) {
  const IpAddress vip = address("2001:db8::10");
  set({vip});
  const MacAddress asker = *MacAddress::parse("02:00:00:00:00:bb");
  std::vector<uint8_t> solicitation = {135, 0, 0, 0, 0, 0, 0, 0};
  solicitation.insert(solicitation.end(), vip.bytes.begin(), vip.bytes.end());
  solicitation.insert(solicitation.end(), {1, 1});
  solicitation.insert(solicitation.end(), asker.bytes.begin(), asker.bytes.end());
  // To the group of all addresses that end so.
  const Frame request = shunt::test::icmp6_frame(asker, address("2001:db8::9"),
                                                 *MacAddress::parse("33:33:ff:00:00:10"),
                                                 address("ff02::1:ff00:10"), solicitation);
  const auto is_answer = [&](const Frame& frame) {
    return is_neighbour_message(136, vip)(frame) && (frame[58] & 0x40) != 0;
  };
  // Linux joins the group a moment after it says that the address is there; detection would take a
  // second.
  std::optional<Frame> answer;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  while (!answer && std::chrono::steady_clock::now() < end) {
    ASSERT_EQ(::write(tap_->fd(), request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    answer = read_frame(tap_->fd(), is_answer, 20ms);
  }
  ASSERT_TRUE(answer) << "no solicited advertisement";
  EXPECT_TRUE(shunt::test::has_bytes_at(*answer, 0, asker.bytes.data(), 6));
  EXPECT_TRUE(shunt::test::has_bytes_at(*answer, 80, mac_.bytes.data(), 6));
}

}  // namespace
}  // namespace shunt::control
