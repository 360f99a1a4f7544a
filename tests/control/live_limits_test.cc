// A service's limits and access lists on their way into snapshots: what changes of the state change of them.
#include <gmock/gmock.h>

#include "control/live_state.h"

namespace shunt::control {
namespace {

using testing::ElementsAre;

class LiveLimits : public testing::Test {
 protected:
  LiveLimits() {
    Service& web = state_.services.emplace_back();
    web.name = "web";
    web.address = *IpAddress::parse("192.0.2.1");
    web.port = 80;
    for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
      Real& real = web.reals.emplace_back();
      real.name = address;
      real.address = *IpAddress::parse(address);
      real.port = 80;
    }
  }
  Service& web() { return state_.services[0]; }
  void replace() {
    ASSERT_TRUE(live_.fits(state_));
    live_.replace(state_);
    live_.flush();
    before_ = std::move(snapshot_);
    snapshot_ = builder_.build();
  }
  const dataplane::LimitedService& limited() const { return snapshot_->limited[live_.live(0).id.index]; }
  bool has_rates(uint32_t real) const { return snapshot_->reals[live_.live(RealPlace{0, real}).id.index].has_rates(); }
  const dataplane::ServiceEntry& entry() const {
    return *snapshot_->find_service(6, *IpAddress::parse("192.0.2.1"), Be16::from_host(80));
  }

  Slots slots_{6, 2};
  SnapshotBuilder builder_;
  LiveState live_{slots_, builder_, [](RealId) { return Traffic{}; }};
  DesiredState state_;
  std::unique_ptr<const dataplane::Snapshot> snapshot_, before_;
};

TEST_F(LiveLimits, AServiceWithoutThemPaysNothing) {
  replace();
  EXPECT_TRUE(snapshot_->limited.empty());
  EXPECT_FALSE(entry().has_limits);
  EXPECT_EQ(entry().access, nullptr);
  EXPECT_FALSE(has_rates(0));
}

TEST_F(LiveLimits, RatesConcernEveryRealThatIsAndComes) {
  web().limits = Limits{{.packets = 1000}};
  replace();
  EXPECT_TRUE(entry().has_limits);
  EXPECT_TRUE(has_rates(0) && has_rates(1));
  web().reals.push_back(web().reals[0]);
  web().reals[2].name = "new";
  web().reals[2].address = *IpAddress::parse("10.0.0.3");
  replace();
  EXPECT_TRUE(has_rates(2));
  EXPECT_EQ(limited().reals.size(), 3u);
  web().limits = Limits{{.connections = 10}};
  replace();
  EXPECT_TRUE(entry().has_limits);
  EXPECT_FALSE(has_rates(0) || has_rates(1) || has_rates(2));
  web().limits.reset();
  replace();
  EXPECT_FALSE(entry().has_limits);
  EXPECT_TRUE(snapshot_->limited.empty());
}

TEST_F(LiveLimits, WhatIsUsedUpStaysSoUntilTheLimitsChange) {
  web().limits = Limits{{.connections = 10}};
  replace();
  const auto* limits = limited().limits;
  const RealId removed = live_.live(RealPlace{0, 1}).id;
  web().reals.pop_back();
  web().scheduler = SchedulerKind::kRr;
  replace();
  EXPECT_EQ(limited().limits, limits);
  EXPECT_THAT(limited().reals, testing::Contains(removed)) << "its connections count until they end";
  web().limits->all.connections = 11;
  replace();
  EXPECT_NE(limited().limits, limits);
  EXPECT_EQ(limited().limits->connections, 11u);
  EXPECT_EQ(before_->limited[0].limits, limits) << "workers may still read it";
}

TEST_F(LiveLimits, AChangedListReachesTheServicesThatNameIt) {
  state_.access_lists = {{"abusers", {*Prefix::parse("198.51.100.0/24")}}};
  web().access = Access{{}, {}, {}, {"abusers"}, Refusal::kReset};
  replace();
  const IpAddress client = *IpAddress::parse("203.0.113.9");
  EXPECT_FALSE(entry().access->denies(client));
  EXPECT_EQ(entry().refusal, Refusal::kReset);
  state_.access_lists[0].prefixes.push_back(*Prefix::parse("203.0.113.0/24"));
  replace();
  EXPECT_TRUE(entry().access->denies(client));
  web().access.reset();
  state_.access_lists.clear();
  replace();
  EXPECT_EQ(entry().access, nullptr);
}

TEST_F(LiveLimits, AnEditOfOneServiceMayBringThem) {
  state_.access_lists = {{"abusers", {*Prefix::parse("198.51.100.0/24")}}};
  replace();
  web().access = Access{{}, {*Prefix::parse("203.0.113.0/24")}, {}, {"abusers"}};
  web().limits = Limits{{.packets = 1000}};
  live_.edit({{}, {web()}});
  live_.flush();
  snapshot_ = builder_.build();
  EXPECT_TRUE(entry().access->denies(*IpAddress::parse("203.0.113.9")));
  EXPECT_TRUE(entry().access->denies(*IpAddress::parse("198.51.100.9")));
  EXPECT_TRUE(has_rates(0));
  EXPECT_EQ(limited().reals.size(), 2u);
}

}  // namespace
}  // namespace shunt::control
