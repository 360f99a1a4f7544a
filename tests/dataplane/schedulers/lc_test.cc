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
  pool.load_elsewhere("a", 10 * 256);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Lc, NothingEligibleGivesNothing) {
  Pool pool = least();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("a", 0);
  EXPECT_EQ(pool.pick(), "-");
}

}  // namespace
}  // namespace shunt::dataplane
