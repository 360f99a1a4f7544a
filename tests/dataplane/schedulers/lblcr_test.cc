#include <gtest/gtest.h>

#include "tests/dataplane/schedulers/pool.h"
#include "tests/dataplane/schedulers/recorded_destinations.h"

namespace shunt::dataplane {
namespace {

constexpr int kOne[] = {1};

Pool pool(uint32_t a, uint32_t b, uint32_t c) {
  Pool result(SchedulerKind::kLblcr);
  result.add("a", a).add("b", b).add("c", c);
  return result;
}

TEST(Lblcr, PicksAreLinuxs) {
  EXPECT_EQ(pool(1, 1, 1).opened_to(kRecordedDestinations),
            "c c b a b b b c a a a a a a a c a c c b a b b b c a c c b a a a a b a c c a a a");
  EXPECT_EQ(pool(8, 4, 2).opened_to(kRecordedDestinations),
            "c c c b a a a b a b b a a b b a b a a c a a a a a a a a a b b b a c a a a b b b");
}

TEST(Lblcr, AHeavyOneIdleDrawsDestinationsAsInLinux) {
  Pool reals = pool(20, 10, 0);
  EXPECT_EQ(reals.add("d", 5).opened_to(kRecordedDestinations),
            "d d d b a a a d b a b b b b b a b a a d b a a a a b a a a a b a b d b a a b a a");
}

TEST(Lblcr, ADrainedRealStaysInItsSetsAsInLinux) {
  Pool reals = pool(8, 4, 2);
  reals.opened_to(destinations(0, 15));
  reals.weigh("a", 0);
  EXPECT_EQ(reals.opened_to(destinations(15, 28)), "c b c c b b b b b c b c c");
  reals.weigh("a", 9);
  EXPECT_EQ(reals.opened_to(destinations(28, 40)), "a b b b a b a c c b b b") << "its destinations come back";
}

TEST(Lblcr, ARemovedRealsDestinationsMoveAsInLinux) {
  Pool reals = pool(8, 4, 2);
  reals.opened_to(destinations(0, 15));
  reals.remove("a");
  EXPECT_EQ(reals.opened_to(destinations(15, 40)), "c b c c b b b b b c b c c b b b b b b b c c b b b");
}

TEST(Lblcr, ASetThatStaysForADayLosesItsMostLoaded) {
  Pool reals = pool(2, 2, 8);
  EXPECT_EQ(reals.opened_to(kOne), "c");
  for (const char* real : {"a", "b", "c"}) reals.load(real, 0, 0);
  reals.load("c", 9, 0);
  EXPECT_EQ(reals.opened_to(kOne), "b") << "c has more than its share";
  reals.load("c", 0, 0).load("b", 1, 0).load("a", 0, 0);
  EXPECT_EQ(reals.opened_to(kOne), "c") << "both are in the set";
  reals.load("c", 0, 0).load("b", 1, 0);
  reals.wait(LocalityCache::kExpirationMs / 2).pick();
  reals.wait(LocalityCache::kExpirationMs / 2 + 1).pick();
  reals.load("c", 4, 0).load("b", 0, 0).load("a", 1, 0);
  EXPECT_EQ(reals.opened_to(kOne), "c") << "b, then the most loaded, has left";
}

TEST(Lblcr, NoRealsGiveNothing) {
  EXPECT_EQ(Pool(SchedulerKind::kLblcr).pick(), "-");
  EXPECT_EQ(pool(0, 0, 0).pick(), "-");
}

}  // namespace
}  // namespace shunt::dataplane
