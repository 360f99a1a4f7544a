#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool power_of_two() {
  Pool pool(SchedulerKind::kTwos);
  pool.cursor().random = 1;  // the same sequence every time
  return pool;
}

TEST(Twos, TheOnlyRealIsPicked) {
  Pool pool = power_of_two();
  pool.add("a");
  EXPECT_EQ(pool.picks(3), "a a a");
}

TEST(Twos, IdleRealsGetSharesByWeight) {
  Pool pool = power_of_two();
  pool.add("c", 100).add("b", 200).add("a", 100);
  const auto times = pool.tally(10000);
  EXPECT_NEAR(times.at("a"), 2500, 150);
  EXPECT_NEAR(times.at("b"), 5000, 150);
  EXPECT_NEAR(times.at("c"), 2500, 150);
}

// 0 and 1 of the numbers 0, 1, 2, as Linux draws them.
TEST(Twos, FirstRealHasOneMoreChance) {
  Pool pool = power_of_two();
  pool.add("b", 1).add("a", 1);
  const auto times = pool.tally(30000);
  EXPECT_NEAR(times.at("a"), 20000, 400);
  EXPECT_NEAR(times.at("b"), 10000, 400);
}

TEST(Twos, LessLoadedOfTheTwoWins) {
  Pool pool = power_of_two();
  pool.add("b", 100).add("a", 100).load("a", 1, 0);
  // "a" wins only when drawn twice.
  EXPECT_NEAR(pool.tally(10000).at("b"), 7500, 200);
  pool.load("a", 0, 0).load("b", 0, 1);
  EXPECT_NEAR(pool.tally(10000).at("b"), 2500, 200);
}

TEST(Twos, LoadIsSetAgainstWeight) {
  Pool pool = power_of_two();
  pool.add("b", 300).add("a", 100).load("a", 1, 0).load("b", 2, 0);  // 256/100 > 512/300
  EXPECT_NEAR(pool.tally(16000).at("a"), 1000, 150);                 // drawn twice: 1/16
}

TEST(Twos, WeightZeroIsNoChoice) {
  Pool pool = power_of_two();
  pool.add("d", 0).add("c", 5).add("b", 0).add("a", 0).load("c", 100, 0);
  EXPECT_THAT(pool.tally(1000), testing::ElementsAre(testing::Pair("c", 1000)));
  pool.weigh("c", 0);
  EXPECT_EQ(pool.pick(), "-");
}

TEST(Twos, NoRealsGiveNothing) { EXPECT_EQ(power_of_two().pick(), "-"); }

TEST(Twos, LargestWeightsOfManyRealsLeaveEveryRealItsChance) {
  std::vector<Candidate> candidates(kMaxReals, Candidate{RealId{0}, 65535, 65535});
  candidates[1].weight = 1;
  std::vector<uint32_t> sums(candidates.size());
  const Scheduler& twos = scheduler_for(SchedulerKind::kTwos);
  ASSERT_EQ(twos.slots_wanted(candidates), kMaxReals);
  twos.fill(candidates, {}, sums, {});
  EXPECT_LT(sums[0], sums[1]);
  EXPECT_TRUE(std::is_sorted(sums.begin(), sums.end()));
  EXPECT_LT(sums.back(), UINT32_MAX);
}

TEST(Twos, EveryCursorHasASequenceOfItsOwn) {
  Pool pool(SchedulerKind::kTwos);
  pool.add("b").add("a");
  pool.pick();
  const uint64_t one = pool.cursor().random;
  pool.cursor() = {};
  pool.pick();
  EXPECT_NE(pool.cursor().random, one);
}

TEST(Twos, IsNotStateless) { EXPECT_FALSE(scheduler_for(SchedulerKind::kTwos).is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
