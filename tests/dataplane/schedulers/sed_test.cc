#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool shortest_delay() { return Pool(SchedulerKind::kSed); }

TEST(Sed, TheConnectionToComeCounts) {
  Pool pool = shortest_delay();
  pool.add("b", 3).add("a", 1);
  EXPECT_EQ(pool.pick(), "b");  // 1/3 < 1/1
  pool.load("b", 3, 0);
  EXPECT_EQ(pool.pick(), "a");  // 4/3 > 1/1
}

TEST(Sed, FirstOfEqualDelaysWins) {
  Pool pool = shortest_delay();
  pool.add("c", 1).add("b", 2).add("a", 4).load("a", 3, 0).load("b", 1, 0);
  EXPECT_EQ(pool.pick(), "a");
}

TEST(Sed, InactiveConnectionsDoNotCount) {
  Pool pool = shortest_delay();
  pool.add("b").add("a").load("a", 0, 100000).load("b", 1, 0);
  EXPECT_EQ(pool.pick(), "a");
}

TEST(Sed, OtherWorkersActiveConnectionsCountAndTheirInactiveOnesDoNot) {
  Pool pool = shortest_delay();
  pool.add("b").add("a").load_elsewhere("a", 0, 1000).load_elsewhere("b", 1, 0);
  EXPECT_EQ(pool.pick(), "a");
  pool.load_elsewhere("a", 2, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Sed, WeightZeroIsNoChoice) {
  Pool pool = shortest_delay();
  pool.add("b", 1).add("a", 0).load("b", 1000, 0);
  EXPECT_EQ(pool.pick(), "b");
  pool.weigh("b", 0);
  EXPECT_EQ(pool.pick(), "-");
}

// Recorded from Linux 6.1's ip_vs_sed with the same reals and changes, every connection a SYN that nobody answers.
TEST(Sed, PicksAreLinuxsThroughEveryChange) {
  Pool pool = shortest_delay();
  pool.add("4", 3).add("3", 1).add("2", 2).add("1", 2);
  EXPECT_EQ(pool.opened(12), "4 1 2 4 1 2 3 4 4 1 2 4");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(6), "1 3 4 4 1 4");
  pool.weigh("2", 5);
  EXPECT_EQ(pool.opened(6), "2 2 2 2 2 2");
  pool.add("5", 1);
  EXPECT_EQ(pool.opened(6), "5 5 2 2 2 2");
}

}  // namespace
}  // namespace shunt::dataplane
