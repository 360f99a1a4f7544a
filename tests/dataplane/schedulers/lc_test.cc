#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool least() { return Pool(SchedulerKind::kLc); }

TEST(Lc, FewestActiveConnectionsWin) {
  Pool pool = least();
  pool.add("c").add("b").add("a").load("a", 3, 0).load("b", 1, 0).load("c", 2, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Lc, ActiveConnectionWeighs256Inactive) {
  Pool pool = least();
  pool.add("b").add("a").load("a", 1, 0).load("b", 0, 255);
  EXPECT_EQ(pool.pick(), "b");
  pool.load("b", 0, 257);
  EXPECT_EQ(pool.pick(), "a");
}

TEST(Lc, FirstOfEqualsWins) {
  Pool pool = least();
  pool.add("c").add("b").add("a").load("a", 2, 0).load("b", 1, 0).load("c", 1, 0);
  EXPECT_EQ(pool.picks(2), "b b");
}

TEST(Lc, WeightsDoNotCountButZeroIsNoChoice) {
  Pool pool = least();
  pool.add("b", 100).add("a", 1).load("a", 1, 0).load("b", 2, 0);
  EXPECT_EQ(pool.pick(), "a");
  pool.weigh("a", 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Lc, OtherWorkersLoadCounts) {
  Pool pool = least();
  pool.add("b").add("a").load("a", 1, 0).load("b", 2, 0);
  EXPECT_EQ(pool.pick(), "a");
  pool.load_elsewhere("a", 10, 0);
  EXPECT_EQ(pool.pick(), "b");
}

// Recorded from Linux 6.1's ip_vs_lc with the same reals and changes, every connection a SYN that nobody answers.
TEST(Lc, PicksAreLinuxsThroughEveryChange) {
  Pool pool = least();
  pool.add("4", 3).add("3", 1).add("2", 2).add("1", 2);
  EXPECT_EQ(pool.opened(12), "1 2 3 4 1 2 3 4 1 2 3 4");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(6), "1 3 4 1 3 4");
  pool.weigh("2", 5);
  EXPECT_EQ(pool.opened(6), "2 2 1 2 3 4");
  pool.add("5", 1);
  EXPECT_EQ(pool.opened(6), "5 5 5 5 5 5");
}

TEST(Lc, NothingEligibleGivesNothing) {
  Pool pool = least();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("a", 0);
  EXPECT_EQ(pool.pick(), "-");
}

}  // namespace
}  // namespace shunt::dataplane
