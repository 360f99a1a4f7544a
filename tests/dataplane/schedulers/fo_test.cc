#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool failover() { return Pool(SchedulerKind::kFo); }

TEST(Fo, HeaviestTakesAllHoweverLoaded) {
  Pool pool = failover();
  pool.add("b", 2).add("a", 1).load("b", 1000, 0);
  EXPECT_EQ(pool.picks(3), "b b b");
}

TEST(Fo, NothingEligibleGivesNothing) {
  Pool pool = failover();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("a", 0);
  EXPECT_EQ(pool.pick(), "-");
}

// Recorded from Linux 6.1's ip_vs_fo with the same reals and changes.
TEST(Fo, PicksAreLinuxsThroughEveryChange) {
  Pool pool = failover();
  pool.add("4", 2).add("3", 5).add("2", 5).add("1", 1);
  EXPECT_EQ(pool.opened(3), "2 2 2");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(3), "3 3 3");
  pool.weigh("3", 0);
  EXPECT_EQ(pool.opened(3), "4 4 4");
  pool.weigh("4", 0).weigh("1", 0);
  EXPECT_EQ(pool.opened(3), "- - -");
}

TEST(Fo, IsStateless) { EXPECT_TRUE(failover().scheduler().is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
