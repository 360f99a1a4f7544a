#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

using testing::ElementsAre;
using testing::Pair;

Pool weighted() { return Pool(SchedulerKind::kWrr); }

TEST(Wrr, HeavyRealGetsItsPicksInABurst) {
  Pool pool = weighted();
  pool.add("c", 1).add("b", 2).add("a", 4);
  // Thresholds 1, 4, 3, 2: a b c; a; a; a b.
  EXPECT_EQ(pool.picks(14), "a b c a a a b a b c a a a b");
}

TEST(Wrr, SharesAreTheWeights) {
  Pool pool = weighted();
  pool.add("c", 30).add("b", 20).add("a", 50);
  EXPECT_THAT(pool.tally(1000), ElementsAre(Pair("a", 500), Pair("b", 200), Pair("c", 300)));
}

TEST(Wrr, CommonDivisorShortensTheRound) {
  Pool pool = weighted();
  pool.add("b", 100).add("a", 200);
  EXPECT_EQ(pool.picks(6), "a b a a b a");
}

TEST(Wrr, EqualWeightsGoRound) {
  Pool pool = weighted();
  pool.add("c", 7).add("b", 7).add("a", 7);
  EXPECT_EQ(pool.picks(6), "a b c a b c");
}

TEST(Wrr, LargestWeightsWork) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 65535);
  EXPECT_THAT(pool.tally(65536), ElementsAre(Pair("a", 65535), Pair("b", 1)));
}

TEST(Wrr, WeightZeroIsSkipped) {
  Pool pool = weighted();
  pool.add("c", 2).add("b", 0).add("a", 2);
  EXPECT_EQ(pool.picks(4), "a c a c");
}

TEST(Wrr, NothingEligibleGivesNothing) {
  Pool pool = weighted();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("b", 0).add("a", 0);
  EXPECT_EQ(pool.picks(2), "- -");
  pool.weigh("a", 3);
  EXPECT_EQ(pool.picks(2), "a a");
}

TEST(Wrr, ChangeBeginsAtTheHeadWithTheThresholdReached) {
  Pool pool = weighted();
  pool.add("b", 2).add("a", 4);
  // Divisor 2, thresholds 1 and 3: a b; a.
  EXPECT_EQ(pool.picks(4), "a b a a");
  pool.add("c", 1);
  // Divisor 1; the threshold is still 1, so the pass over all three comes first, then 4, 3, 2, 1.
  EXPECT_EQ(pool.picks(10), "c a b a a a b c a b");
}

TEST(Wrr, ThresholdAboveTheNewMaximumFalls) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 10);
  EXPECT_EQ(pool.picks(3), "a b a");
  pool.weigh("a", 2);
  EXPECT_EQ(pool.picks(4), "a a b a");
}

TEST(Wrr, ThresholdIsAlignedToTheNewDivisor) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 6);
  EXPECT_EQ(pool.picks(5), "a b a a a");  // thresholds 1, 6, 5, 4
  pool.weigh("b", 3);
  // Divisor 3: 4 / 3 * 3 + 1 = 4, the top; then 1.
  EXPECT_EQ(pool.picks(6), "a a b a a b");
}

TEST(Wrr, SharesHoldAfterReloads) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 3);
  pool.pick();
  pool.remove("b").add("b", 1);
  pool.picks(4);
  EXPECT_THAT(pool.tally(400), ElementsAre(Pair("a", 300), Pair("b", 100)));
}

// Where additions one by one leave the threshold: at the lightest so far, unless divisors move it.
TEST(Wrr, BeginsWhereAdditionsLeaveTheThreshold) {
  Pool pool = weighted();
  pool.add("b", 4).add("a", 6);
  // 4 alone: divisor 4, threshold 1; with 6: divisor 2, still 1. Then 5, 3.
  EXPECT_EQ(pool.picks(7), "a b a a b a b");
}

TEST(Wrr, AnotherSchedulersServiceBeginsAtTheHighestWeight) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 3);
  pool.picks(3);
  pool.change_scheduler();
  EXPECT_EQ(pool.picks(4), "a a a b");
}

TEST(Wrr, NothingIsRememberedOfAFormerService) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 3);
  EXPECT_EQ(pool.picks(3), "a b a");
  pool.begin_anew();
  EXPECT_EQ(pool.picks(3), "a b a");
}

// Recorded from Linux 6.1's ip_vs_wrr with the same reals and changes.
TEST(Wrr, PicksAreLinuxsThroughEveryChange) {
  Pool pool = weighted();
  pool.add("1", 1).add("2", 2).add("3", 4);
  EXPECT_EQ(pool.picks(30), "3 2 1 3 3 3 2 3 2 1 3 3 3 2 3 2 1 3 3 3 2 3 2 1 3 3 3 2 3 2");
  pool.add("4", 3);
  EXPECT_EQ(pool.picks(20), "4 3 2 1 3 4 3 4 3 2 4 3 2 1 3 4 3 4 3 2");
  pool.weigh("3", 2);
  EXPECT_EQ(pool.picks(20), "4 3 2 4 3 2 1 4 4 3 2 4 3 2 1 4 4 3 2 4");
  pool.remove("2");
  EXPECT_EQ(pool.picks(20), "4 3 1 4 4 3 4 3 1 4 4 3 4 3 1 4 4 3 4 3");
}

}  // namespace
}  // namespace shunt::dataplane
