#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

using testing::ElementsAre;
using testing::Pair;

Pool weighted() { return Pool(SchedulerKind::kWlc); }

TEST(Wlc, LoadIsSetAgainstWeight) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 3).load("a", 5, 0).load("b", 2, 0);
  EXPECT_EQ(pool.pick(), "a");  // 5/3 < 2/1
  pool.load("a", 7, 0);
  EXPECT_EQ(pool.pick(), "b");  // 7/3 > 2/1
}

TEST(Wlc, FirstOfEqualQuotientsWins) {
  Pool pool = weighted();
  pool.add("c", 1).add("b", 2).add("a", 3).load("a", 3, 0).load("b", 2, 0).load("c", 1, 0);
  EXPECT_EQ(pool.pick(), "a");
}

// IPVS: an idle service gives everything to the first real until that one has a connection.
TEST(Wlc, IdleRealsOfDifferentWeightsAreEqual) {
  Pool pool = weighted();
  pool.add("b", 100).add("a", 1);
  EXPECT_EQ(pool.picks(2), "a a");
}

TEST(Wlc, SharesSettleAtTheWeights) {
  Pool pool = weighted();
  pool.add("c", 1).add("b", 2).add("a", 3);
  std::map<std::string, uint32_t> active;
  for (int i = 0; i < 600; ++i) {
    const std::string real = pool.pick();
    pool.load(real, ++active[real], 0);
  }
  EXPECT_THAT(active, ElementsAre(Pair("a", 300), Pair("b", 200), Pair("c", 100)));
}

TEST(Wlc, LargestNumbersDoNotOverflow) {
  Pool pool = weighted();
  pool.add("b", 65535).add("a", 65534);
  pool.load("a", 4000000000u, 0).load("b", 4000000000u, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Wlc, WeightZeroIsNoChoiceHoweverIdle) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 0).load("b", 1000, 0);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Wlc, OtherWorkersLoadCounts) {
  Pool pool = weighted();
  pool.add("b", 1).add("a", 1).load_elsewhere("a", 1, 0).load_elsewhere("b", 0, 255);
  EXPECT_EQ(pool.pick(), "b");
}

// Recorded from Linux 6.1's ip_vs_wlc with the same reals and changes, every connection a SYN that nobody answers.
TEST(Wlc, PicksAreLinuxsThroughEveryChange) {
  Pool pool = weighted();
  pool.add("4", 3).add("3", 1).add("2", 2).add("1", 2);
  EXPECT_EQ(pool.opened(12), "1 2 3 4 4 1 2 4 1 2 3 4");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.opened(6), "4 1 4 1 3 4");
  pool.weigh("2", 5);
  EXPECT_EQ(pool.opened(6), "2 2 2 2 2 2");
  pool.add("5", 1);
  EXPECT_EQ(pool.opened(6), "5 5 2 5 2 2");
}

TEST(Wlc, NothingEligibleGivesNothing) {
  Pool pool = weighted();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("b", 0).add("a", 0);
  EXPECT_EQ(pool.pick(), "-");
}

}  // namespace
}  // namespace shunt::dataplane
