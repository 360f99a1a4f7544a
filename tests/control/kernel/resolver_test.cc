#include "control/kernel/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "control/kernel/tap.h"
#include "tests/control/kernel/tap_frames.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using namespace std::chrono_literals;
using shunt::test::Frame;
using shunt::test::is_arp;
using shunt::test::read_frame;
using ::testing::HasSubstr;

class ResolverTest : public shunt::test::OwnNetwork {
 protected:
  static constexpr uint16_t kPort = 5;

  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto tap = Tap::create({"sh-r0", mac_, 1500, {*InterfaceAddress::parse("10.0.0.1/24")}});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_.emplace(std::move(*tap));
    auto resolver = Resolver::open({{kPort, "sh-r0"}});
    ASSERT_TRUE(resolver) << resolver.error().message;
    resolver_.emplace(std::move(*resolver));
  }

  const MacAddress mac_ = *MacAddress::parse("02:00:00:00:00:a0");
  const MacAddress peer_mac_ = *MacAddress::parse("02:00:00:00:00:bb");
  const IpAddress own_ = *IpAddress::parse("10.0.0.1"), peer_ = *IpAddress::parse("10.0.0.9");
  const Resolver::Clock::time_point start_ = Resolver::Clock::now();
  std::optional<Tap> tap_;
  std::optional<Resolver> resolver_;
};

TEST_F(ResolverTest, LinuxAsksByArpAndLearnsTheAnswer) {
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_));
  ASSERT_TRUE(read_frame(tap_->fd(), is_arp(1, own_, peer_)));
  const Frame reply = shunt::test::arp_frame(2, peer_mac_, peer_, mac_, own_);
  ASSERT_EQ(::write(tap_->fd(), reply.data(), reply.size()), static_cast<ssize_t>(reply.size()));
  EXPECT_THAT(ip("neigh show dev sh-r0"), HasSubstr("10.0.0.9 lladdr 02:00:00:00:00:bb"));
}

TEST_F(ResolverTest, LinuxAsksByNeighbourDiscovery) {
  ASSERT_TRUE(is_ipv6_usable_soon("sh-r0"));
  const IpAddress peer = *IpAddress::parse("fd00::9");
  EXPECT_TRUE(resolver_->resolve(kPort, peer, start_));
  const auto question = read_frame(tap_->fd(), shunt::test::is_neighbour_message(135, peer), 500ms);
  ASSERT_TRUE(question) << "no solicitation";
  IpAddress asker{AddressFamily::kIpv6, {}};
  std::memcpy(asker.bytes.data(), question->data() + 22, 16);
  EXPECT_EQ(asker.to_string(), "fe80::ff:fe00:a0");

  std::vector<uint8_t> advertisement = {136, 0, 0, 0, 0x60, 0, 0, 0};
  advertisement.insert(advertisement.end(), peer.bytes.begin(), peer.bytes.end());
  advertisement.insert(advertisement.end(), {2, 1});
  advertisement.insert(advertisement.end(), peer_mac_.bytes.begin(), peer_mac_.bytes.end());
  const Frame answer = shunt::test::icmp6_frame(peer_mac_, peer, mac_, asker, advertisement);
  ASSERT_EQ(::write(tap_->fd(), answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
  EXPECT_THAT(ip("neigh show dev sh-r0"), HasSubstr("fd00::9 lladdr 02:00:00:00:00:bb"));
}

TEST_F(ResolverTest, LinuxAsksForALinkLocalGateway) {
  ASSERT_TRUE(is_ipv6_usable_soon("sh-r0"));
  const IpAddress gateway = *IpAddress::parse("fe80::1");
  EXPECT_TRUE(resolver_->resolve(kPort, gateway, start_));
  EXPECT_TRUE(read_frame(tap_->fd(), shunt::test::is_neighbour_message(135, gateway), 500ms));
}

TEST_F(ResolverTest, AFailedNeighbourIsAskedForAgain) {
  ip("neigh add 10.0.0.9 nud failed dev sh-r0");
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_));
  EXPECT_TRUE(read_frame(tap_->fd(), is_arp(1, own_, peer_)));
}

TEST_F(ResolverTest, AStaleNeighbourIsProbed) {
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:bb nud stale dev sh-r0");
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_));
  EXPECT_THAT(ip("neigh show dev sh-r0"), ::testing::AnyOf(HasSubstr("DELAY"), HasSubstr("PROBE")));
}

TEST_F(ResolverTest, AsksOnceASecondForEachAddress) {
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_));
  EXPECT_FALSE(resolver_->resolve(kPort, peer_, start_));
  EXPECT_FALSE(resolver_->resolve(kPort, peer_, start_ + 999ms));
  EXPECT_TRUE(resolver_->resolve(kPort, *IpAddress::parse("10.0.0.10"), start_ + 999ms));
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_ + 1000ms));
  EXPECT_FALSE(resolver_->resolve(kPort, peer_, start_ + 1999ms));
  EXPECT_FALSE(resolver_->resolve(kPort, *IpAddress::parse("10.0.0.10"), start_ + 1998ms));
}

TEST_F(ResolverTest, WhatLinuxRefusesBreaksNothing) {
  EXPECT_FALSE(resolver_->resolve(kPort + 1, peer_, start_));
  tap_.reset();
  EXPECT_FALSE(resolver_->resolve(kPort, peer_, start_ + 2s));
  // The next interface of the name is found.
  auto tap = Tap::create({"sh-r0", mac_, 1500, {*InterfaceAddress::parse("10.0.0.1/24")}});
  ASSERT_TRUE(tap);
  EXPECT_TRUE(resolver_->resolve(kPort, peer_, start_ + 4s));
  EXPECT_TRUE(read_frame(tap->fd(), is_arp(1, own_, peer_)));
}

}  // namespace
}  // namespace shunt::control
