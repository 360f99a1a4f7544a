#include "control/policy/service_policy.h"

#include <gtest/gtest.h>

#include "control/policy/slow_start.h"

namespace shunt::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// keepalived: up at >= quorum + hysteresis, down at < quorum - hysteresis or none.
TEST(Quorum, IsLostAndReachedAtDifferentWeights) {
  const Quorum quorum{4, 2, OnQuorumLoss::kSorry};
  EXPECT_TRUE(has_quorum(quorum, 4, std::nullopt));
  EXPECT_FALSE(has_quorum(quorum, 3, std::nullopt));
  EXPECT_TRUE(has_quorum(quorum, 2, true));
  EXPECT_FALSE(has_quorum(quorum, 1, true));
  EXPECT_FALSE(has_quorum(quorum, 5, false));
  EXPECT_TRUE(has_quorum(quorum, 6, false));
  const Quorum plain{};
  EXPECT_TRUE(has_quorum(plain, 1, false));
  EXPECT_FALSE(has_quorum(plain, 0, true));
  const Quorum huge{UINT32_MAX, UINT32_MAX, OnQuorumLoss::kSorry};
  EXPECT_FALSE(has_quorum(huge, UINT32_MAX, false)) << "their sum does not wrap";
}

TEST(Panic, BeginsBelowItsShareOfTheReals) {
  EXPECT_FALSE(panics(50, {4, 2, 0}));
  EXPECT_TRUE(panics(50, {4, 1, 0}));
  EXPECT_TRUE(panics(1, {100000, 0, 0}));
  EXPECT_FALSE(panics(0, {4, 0, 0}));
  EXPECT_FALSE(panics(100, {0, 0, 0})) << "where nothing is wanted, nothing is missing";
  EXPECT_TRUE(panics(100, {4, 3, 0}));
}

TEST(ServiceStanding, RemembersWhetherTheQuorumWasThere) {
  const std::optional<Quorum> quorum = Quorum{3, 1, OnQuorumLoss::kWithdraw};
  ServiceStanding standing = judge(quorum, 0, {3, 3, 3}, {});
  EXPECT_TRUE(standing.has_quorum);
  standing = judge(quorum, 0, {3, 2, 2}, standing);
  EXPECT_TRUE(standing.has_quorum);
  standing = judge(quorum, 0, {3, 1, 1}, standing);
  EXPECT_FALSE(standing.has_quorum);
  standing = judge(quorum, 0, {3, 3, 3}, standing);
  EXPECT_FALSE(standing.has_quorum) << "3 is below 3 + 1";
  EXPECT_TRUE(judge(quorum, 0, {4, 4, 4}, standing).has_quorum);
  EXPECT_TRUE(judge(std::nullopt, 0, {3, 0, 0}, standing).has_quorum) << "none is needed any more";
}

TEST(SlowStart, GrowsInTenSteps) {
  EXPECT_EQ(slow_start_step(seconds(0), seconds(30)), 1u);
  EXPECT_EQ(slow_start_step(milliseconds(2999), seconds(30)), 1u);
  EXPECT_EQ(slow_start_step(seconds(3), seconds(30)), 2u);
  EXPECT_EQ(slow_start_step(milliseconds(29999), seconds(30)), 9u);
  EXPECT_EQ(slow_start_step(seconds(30), seconds(30)), kSlowStartSteps);
  EXPECT_EQ(slow_start_step(seconds(0), seconds(0)), kSlowStartSteps);
  EXPECT_EQ(slow_start_step(seconds(-5), seconds(30)), 1u);
}

TEST(SlowStart, SmallWeightsHaveStepsTooAndLargeOnesStayInRange) {
  EXPECT_EQ(slow_start_factor(1), 10u);
  EXPECT_EQ(weight_at_step(1, 3, slow_start_factor(1)), 3u);
  EXPECT_EQ(weight_at_step(1, 10, 10), 10u);
  EXPECT_EQ(slow_start_factor(65535), 1u);
  EXPECT_EQ(weight_at_step(65535, 1, 1), 6553u);
  EXPECT_EQ(slow_start_factor(20000), 3u);
  EXPECT_LE(weight_at_step(20000, 10, 3), 65535u);
  EXPECT_EQ(weight_at_step(1, 1, 1), 1u);
  EXPECT_EQ(weight_at_step(0, 5, 10), 0u);
  EXPECT_EQ(slow_start_factor(0), 1u);
}

}  // namespace
}  // namespace shunt::control
