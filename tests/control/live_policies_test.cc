// Quorum, panic and slow start of a service, as its candidates show them.
#include <gmock/gmock.h>

#include "control/identity.h"
#include "control/live_state.h"

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr SteadyTime kStart{seconds(1000)};

class LivePolicies : public testing::Test {
 protected:
  LivePolicies() {
    state_.services.resize(1);
    Service& service = state_.services[0];
    service.name = "web";
    service.address = *IpAddress::parse("2001:db8::80");
    service.port = 80;
    service.scheduler = SchedulerKind::kWrr;
    for (const char* each : {"2001:db8::1", "2001:db8::2", "2001:db8::3"}) service.reals.push_back(real(each));
    service.reals.push_back(real("2001:db8::9"));
    service.reals.back().sorry = true;
  }
  static Real real(const std::string& address) {
    Real result;
    result.address = *IpAddress::parse(address);
    result.port = 80;
    result.name = address_and_port(result.address, 80);
    return result;
  }
  Service& service() { return state_.services[0]; }
  void replace(SteadyTime now = kStart) {
    live_.replace(state_, now);
    build();
  }
  void build() {
    live_.flush();
    snapshot_ = builder_.build();
  }
  static RealPlace at(uint32_t real) { return {0, real}; }
  void set(uint32_t real, Health health) {
    live_.set_health(at(real), health, "");
    build();
  }
  // Last digit of the address and weight: "2:1".
  std::vector<std::string> told(std::span<const dataplane::Candidate> candidates) const {
    std::vector<std::string> result;
    for (const auto& each : candidates) {
      result.push_back(std::to_string(snapshot_->reals[each.id.index].address.bytes[15]) + ":" + std::to_string(each.weight));
    }
    return result;
  }
  std::vector<std::string> candidates() const { return told(snapshot_->services[0].candidates); }
  // "quorum 0 panic 1", one for each change.
  std::vector<std::string> changes() {
    std::vector<std::string> result;
    for (const StandingChange& each : live_.take_standing_changes()) {
      result.push_back("quorum " + std::to_string(each.after.has_quorum) + " panic " + std::to_string(each.after.panics));
    }
    return result;
  }

  DesiredState state_;
  Slots slots_{16, 2};
  SnapshotBuilder builder_;
  LiveState live_{slots_, builder_, [](RealId) { return Traffic{}; }};
  std::unique_ptr<const dataplane::Snapshot> snapshot_;
};

TEST_F(LivePolicies, ALostQuorumLeavesSorryReals) {
  service().quorum = Quorum{2, 0, OnQuorumLoss::kSorry};
  replace();
  EXPECT_THAT(changes(), IsEmpty());
  set(0, Health::kDown);
  EXPECT_THAT(candidates(), UnorderedElementsAre("2:1", "3:1"));
  set(1, Health::kDown);
  EXPECT_THAT(candidates(), IsEmpty());
  EXPECT_THAT(told(snapshot_->services[0].sorry), ElementsAre("9:1"));
  EXPECT_EQ(live_.effective_weight(at(2)), 0u);
  EXPECT_THAT(changes(), ElementsAre("quorum 0 panic 0"));
  EXPECT_THAT(live_.withdrawn(), IsEmpty());
  set(1, Health::kUp);
  EXPECT_THAT(candidates(), UnorderedElementsAre("2:1", "3:1"));
  EXPECT_THAT(changes(), ElementsAre("quorum 1 panic 0"));
}

TEST_F(LivePolicies, DrainsAndWeightsCountForTheQuorum) {
  service().quorum = Quorum{3, 1, OnQuorumLoss::kWithdraw};
  replace();
  Override drained;
  drained.drain = DrainOverride{};
  live_.set_override(at(0), drained);
  build();
  EXPECT_THAT(changes(), IsEmpty()) << "2 is not below 3 - 1";
  set(1, Health::kDown);
  EXPECT_THAT(changes(), ElementsAre("quorum 0 panic 0"));
  EXPECT_THAT(live_.withdrawn(), ElementsAre(service().address));
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:0", "3:1")) << "what comes still is served";
  Override heavy;
  heavy.weight = WeightOverride{4, {}, {}, ""};
  live_.set_override(at(2), heavy);
  build();
  EXPECT_THAT(live_.withdrawn(), IsEmpty());
  EXPECT_THAT(changes(), ElementsAre("quorum 1 panic 0"));
}

TEST_F(LivePolicies, APanicUsesDownReals) {
  service().panic_threshold = 60;
  replace();
  set(0, Health::kDown);
  EXPECT_THAT(candidates(), UnorderedElementsAre("2:1", "3:1"));
  set(1, Health::kDown);
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:1"));
  EXPECT_EQ(live_.effective_weight(at(0)), 1u);
  EXPECT_THAT(changes(), ElementsAre("quorum 1 panic 1"));
  set(2, Health::kDown);
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:1"));
  set(0, Health::kUp);
  set(1, Health::kUp);
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1"));
  EXPECT_THAT(changes(), ElementsAre("quorum 1 panic 0"));
}

TEST_F(LivePolicies, ARealThatComesUpGrows) {
  service().slow_start = seconds(30);
  service().reals[2].weight = 2;
  replace();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:2")) << "at the start all are equal";
  set(0, Health::kDown);
  live_.begin_slow_start(at(0), kStart);
  set(0, Health::kUp);
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:10", "3:20"));
  EXPECT_FALSE(live_.advance_slow_starts(kStart + seconds(2)));
  EXPECT_TRUE(live_.advance_slow_starts(kStart + seconds(15)));
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:6", "2:10", "3:20"));
  // Other changes meanwhile leave it where it is.
  service().reals.insert(service().reals.begin(), real("2001:db8::4"));
  replace(kStart + seconds(15));
  EXPECT_THAT(candidates(), UnorderedElementsAre("4:1", "1:6", "2:10", "3:20")) << "the new one begins";
  EXPECT_TRUE(live_.advance_slow_starts(kStart + seconds(30)));
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("4:6", "1:10", "2:10", "3:20"));
  EXPECT_TRUE(live_.advance_slow_starts(kStart + seconds(45)));
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("4:1", "1:1", "2:1", "3:2"));
  EXPECT_FALSE(live_.advance_slow_starts(kStart + seconds(60)));
}

TEST_F(LivePolicies, WithoutSlowStartNothingGrows) {
  service().slow_start = seconds(30);
  replace();
  live_.begin_slow_start(at(0), kStart);
  service().slow_start = {};
  replace();
  EXPECT_TRUE(live_.advance_slow_starts(kStart));
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:1"));
  live_.begin_slow_start(at(1), kStart);
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:1"));
}

std::shared_ptr<const Inhibition> inhibited() { return std::make_shared<const Inhibition>(); }

TEST_F(LivePolicies, AnInhibitedRealIsAsOneThatIsDown) {
  service().health_check.passive.emplace();
  service().quorum = Quorum{2, 0, OnQuorumLoss::kSorry};
  replace();
  EXPECT_TRUE(snapshot_->services[0].is_watched);
  EXPECT_THAT(live_.watched(), ElementsAre(0u));
  live_.set_inhibition(at(1), inhibited());
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "3:1"));
  EXPECT_EQ(live_.effective_weight(at(1)), 0u);
  EXPECT_EQ(live_.inhibited_share(0, false).wanted, 3u);
  EXPECT_EQ(live_.inhibited_share(0, false).inhibited, 1u);
  EXPECT_EQ(live_.inhibited_share(0, false).fine, 2u);
  EXPECT_EQ(live_.inhibited_share(0, true).fine, 1u);
  set(0, Health::kDown);
  EXPECT_THAT(candidates(), IsEmpty()) << "the quorum is lost";
  EXPECT_EQ(live_.inhibited_share(0, false).fine, 1u);
  live_.set_inhibition(at(1), nullptr);
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("2:1", "3:1"));
}

TEST_F(LivePolicies, AnInhibitedRealCountsForAPanic) {
  service().health_check.passive.emplace();
  service().panic_threshold = 60;
  replace();
  set(0, Health::kDown);
  live_.set_inhibition(at(1), inhibited());
  build();
  EXPECT_THAT(candidates(), UnorderedElementsAre("1:1", "2:1", "3:1"));
}

TEST_F(LivePolicies, AnInhibitionStaysWithItsRealAndGoesWithTheCheck) {
  service().health_check.passive.emplace();
  replace();
  live_.set_inhibition(at(1), inhibited());
  service().reals.erase(service().reals.begin());
  replace();
  EXPECT_THAT(candidates(), ElementsAre("3:1"));
  service().health_check.passive.reset();
  replace();
  EXPECT_THAT(candidates(), UnorderedElementsAre("2:1", "3:1"));
  EXPECT_THAT(live_.watched(), IsEmpty());
  EXPECT_FALSE(snapshot_->services[0].is_watched);
}

}  // namespace
}  // namespace shunt::control
