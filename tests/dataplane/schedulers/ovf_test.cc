#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool overflow() { return Pool(SchedulerKind::kOvf); }

TEST(Ovf, HeaviestTakesAllUntilItHasMoreThanItsWeight) {
  Pool pool = overflow();
  pool.add("b", 1).add("a", 3);
  EXPECT_EQ(pool.opened(5), "a a a a b");
}

TEST(Ovf, FirstOfEqualsWins) {
  Pool pool = overflow();
  pool.add("c", 1).add("b", 2).add("a", 2).load("a", 2, 0);
  EXPECT_EQ(pool.pick(), "a");
  pool.load("a", 3, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Ovf, InactiveConnectionsDoNotCount) {
  Pool pool = overflow();
  pool.add("b", 1).add("a", 2).load("a", 2, 100000);
  EXPECT_EQ(pool.pick(), "a");
}

TEST(Ovf, OtherWorkersActiveConnectionsCount) {
  Pool pool = overflow();
  pool.add("b", 1).add("a", 2).load_elsewhere("a", 3, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Ovf, NothingIsLeftWhenAllHaveMore) {
  Pool pool = overflow();
  pool.add("b", 1).add("a", 65535).load("a", 65536, 0).load("b", 2, 0);
  EXPECT_EQ(pool.pick(), "-");
  pool.load("b", 1, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Ovf, WeightZeroIsNoChoice) {
  Pool pool = overflow();
  pool.add("b", 1).add("a", 0);
  EXPECT_EQ(pool.pick(), "b");
  pool.weigh("b", 0);
  EXPECT_EQ(pool.pick(), "-");
}

// Recorded from Linux 6.1's ip_vs_ovf with the same reals and changes, every connection a SYN that nobody answers.
TEST(Ovf, PicksAreLinuxsThroughEveryChange) {
  Pool pool = overflow();
  pool.add("4", 3).add("3", 1).add("2", 2).add("1", 2);
  EXPECT_EQ(pool.opened(12), "4 4 4 4 1 1 1 2 2 2 3 3");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(6), "- - - - - -");
  pool.weigh("2", 5);
  EXPECT_EQ(pool.opened(6), "2 2 2 - - -");
  pool.add("5", 1);
  EXPECT_EQ(pool.opened(6), "5 5 - - - -");
}

}  // namespace
}  // namespace shunt::dataplane
