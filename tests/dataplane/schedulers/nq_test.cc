#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool never_queue() { return Pool(SchedulerKind::kNq); }

TEST(Nq, FirstIdleRealIsTakenHoweverLight) {
  Pool pool = never_queue();
  pool.add("c", 1).add("b", 1).add("a", 100).load("a", 1, 0);
  EXPECT_EQ(pool.pick(), "b");
  pool.load("b", 1, 0);
  EXPECT_EQ(pool.pick(), "c");
}

TEST(Nq, WithoutAnIdleRealTheShortestDelayWins) {
  Pool pool = never_queue();
  pool.add("b", 3).add("a", 1).load("a", 1, 0).load("b", 4, 0);
  EXPECT_EQ(pool.pick(), "b");  // 5/3 < 2/1
  pool.load("b", 5, 0);
  EXPECT_EQ(pool.pick(), "a");  // the first of equals
}

TEST(Nq, RealWithInactiveConnectionsAloneIsIdle) {
  Pool pool = never_queue();
  pool.add("b").add("a").load("a", 1, 0).load("b", 0, 5000);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Nq, RealThatIsBusyElsewhereIsNotIdle) {
  Pool pool = never_queue();
  pool.add("b").add("a").load_elsewhere("a", 1, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Nq, WeightZeroIsNoChoiceHoweverIdle) {
  Pool pool = never_queue();
  pool.add("b").add("a", 0).load("b", 9, 0);
  EXPECT_EQ(pool.pick(), "b");
  pool.weigh("b", 0);
  EXPECT_EQ(pool.pick(), "-");
}

// Recorded from Linux 6.1's ip_vs_nq with the same reals and changes, every connection a SYN that nobody answers.
TEST(Nq, PicksAreLinuxsThroughEveryChange) {
  Pool pool = never_queue();
  pool.add("4", 3).add("3", 1).add("2", 2).add("1", 2);
  EXPECT_EQ(pool.opened(12), "1 2 3 4 4 1 2 4 4 1 2 4");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(6), "1 3 4 4 1 4");
  pool.weigh("2", 5);
  EXPECT_EQ(pool.opened(6), "2 2 2 2 2 2");
  pool.add("5", 1);
  EXPECT_EQ(pool.opened(6), "5 5 2 2 2 2");
}

}  // namespace
}  // namespace shunt::dataplane
