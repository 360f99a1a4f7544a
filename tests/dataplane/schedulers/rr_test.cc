#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool round_robin() { return Pool(SchedulerKind::kRr); }

TEST(Rr, GoesThroughTheListNewestFirstAndAround) {
  Pool pool = round_robin();
  pool.add("c").add("b").add("a");
  EXPECT_EQ(pool.picks(7), "a b c a b c a");
}

TEST(Rr, WeightsDoNotCount) {
  Pool pool = round_robin();
  pool.add("b", 100).add("a", 1);
  EXPECT_EQ(pool.picks(4), "a b a b");
}

TEST(Rr, WeightZeroIsSkipped) {
  Pool pool = round_robin();
  pool.add("c").add("b", 0).add("a");
  EXPECT_EQ(pool.picks(4), "a c a c");
}

TEST(Rr, OnlyEligibleRealIsPickedAgainAndAgain) {
  Pool pool = round_robin();
  pool.add("c", 0).add("b").add("a", 0);
  EXPECT_EQ(pool.picks(3), "b b b");
}

TEST(Rr, NothingEligibleGivesNothing) {
  Pool pool = round_robin();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("b", 0).add("a", 0);
  EXPECT_EQ(pool.picks(2), "- -");
  pool.weigh("b", 1);
  EXPECT_EQ(pool.pick(), "b");
}

TEST(Rr, AddedRealDoesNotMoveThePlace) {
  Pool pool = round_robin();
  pool.add("d").add("c").add("b").add("a");
  EXPECT_EQ(pool.picks(2), "a b");
  pool.add("new");
  EXPECT_EQ(pool.picks(5), "c d new a b");
}

TEST(Rr, WeightChangeDoesNotMoveThePlace) {
  Pool pool = round_robin();
  pool.add("c").add("b").add("a");
  EXPECT_EQ(pool.pick(), "a");
  pool.weigh("b", 5);
  EXPECT_EQ(pool.picks(2), "b c");
}

TEST(Rr, RemovalElsewhereDoesNotMoveThePlace) {
  Pool pool = round_robin();
  pool.add("d").add("c").add("b").add("a");
  EXPECT_EQ(pool.picks(2), "a b");
  pool.remove("a");
  EXPECT_EQ(pool.picks(4), "c d b c");
}

TEST(Rr, RemovalOfTheLastChoiceGoesOnWithItsSuccessor) {
  Pool pool = round_robin();
  pool.add("d").add("c").add("b").add("a");
  EXPECT_EQ(pool.picks(2), "a b");
  pool.remove("b");
  EXPECT_EQ(pool.picks(4), "c d a c");
}

TEST(Rr, RemovalOfTheLastChoiceAtTheListsEndGoesAround) {
  Pool pool = round_robin();
  pool.add("c").add("b").add("a");
  EXPECT_EQ(pool.picks(3), "a b c");
  pool.remove("c");
  EXPECT_EQ(pool.picks(3), "a b a");
}

TEST(Rr, RemovalOfManyStaysInsideTheList) {
  Pool pool = round_robin();
  pool.add("d").add("c").add("b").add("a");
  EXPECT_EQ(pool.pick(), "a");
  pool.remove("a").remove("b").remove("c");
  EXPECT_EQ(pool.picks(2), "d d");
}

TEST(Rr, ZeroedCursorBeginsAtTheHead) {
  Pool pool = round_robin();
  pool.add("b").add("a");
  pool.cursor() = Cursor{.generation = 0, .position = 0, .last = RealId{1}};
  // Real 1 is "a": even so remembered, the place is a valid one.
  EXPECT_EQ(pool.pick(), "b");
}

// Recorded from Linux 6.1's ip_vs_rr with the same reals and changes.
TEST(Rr, PicksAreLinuxsThroughEveryChange) {
  Pool pool = round_robin();
  pool.add("4").add("3").add("2").add("1");
  EXPECT_EQ(pool.picks(2), "1 2");
  pool.add("5");
  EXPECT_EQ(pool.picks(5), "3 4 5 1 2");
  pool.remove("2");
  EXPECT_EQ(pool.picks(4), "3 4 5 1");
  pool.remove("4");
  EXPECT_EQ(pool.picks(6), "3 5 1 3 5 1");
}

TEST(Rr, IsNotStateless) { EXPECT_FALSE(round_robin().scheduler().is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
