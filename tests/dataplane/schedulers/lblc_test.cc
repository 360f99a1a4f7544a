#include <gtest/gtest.h>

#include "tests/dataplane/schedulers/pool.h"
#include "tests/dataplane/schedulers/recorded_destinations.h"

namespace shunt::dataplane {
namespace {

constexpr int kOne[] = {1};
constexpr int kTwo[] = {2};

Pool pool(uint32_t a, uint32_t b, uint32_t c) {
  Pool result(SchedulerKind::kLblc);
  result.add("a", a).add("b", b).add("c", c);
  return result;
}

TEST(Lblc, ADestinationKeepsItsRealWhateverItsLoad) {
  Pool reals = pool(9, 9, 9);
  const std::string first = reals.opened_to(kOne);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(reals.opened_to(kOne), first);
  EXPECT_NE(reals.opened_to(kTwo), first) << "another one gets the least loaded";
}

TEST(Lblc, PicksAreLinuxs) {
  EXPECT_EQ(pool(1, 1, 1).opened_to(kRecordedDestinations),
            "c c b a b b b b a c a a a a a c a c c b a b b b c a c c b c a c a b a c c a c c");
  EXPECT_EQ(pool(8, 4, 2).opened_to(kRecordedDestinations),
            "c c c b a a a b a b b a a b b a b a a b a a a a a a a a a b b b a b a a a b b b");
}

TEST(Lblc, AHeavyOneIdleDrawsDestinationsAsInLinux) {
  Pool reals = pool(20, 10, 0);
  EXPECT_EQ(reals.add("d", 5).opened_to(kRecordedDestinations),
            "d d d b a a a d b a b b b b b a b a a d b a a a a b a a a a b a b d b a a b a a");
}

TEST(Lblc, ADrainedRealsDestinationsMoveAsInLinux) {
  Pool reals = pool(8, 4, 2);
  EXPECT_EQ(reals.opened_to(destinations(0, 15)), "c c c b a a a b a b b a a b b");
  reals.weigh("a", 0);
  EXPECT_EQ(reals.opened_to(destinations(15, 28)), "c b c c b b b b b c b c c");
  reals.weigh("a", 9);
  EXPECT_EQ(reals.opened_to(destinations(28, 40)), "b b b b b b b c c b b b");
}

TEST(Lblc, ARemovedRealsDestinationsMoveAsInLinux) {
  Pool reals = pool(8, 4, 2);
  reals.opened_to(destinations(0, 15));
  reals.remove("a");
  EXPECT_EQ(reals.opened_to(destinations(15, 40)), "c b c c b b b b b c b c c b b b b b b b c c b b b");
}

TEST(Lblc, NoRealsGiveNothing) {
  EXPECT_EQ(Pool(SchedulerKind::kLblc).pick(), "-");
  EXPECT_EQ(pool(0, 0, 0).pick(), "-");
}

TEST(Lblc, ADestinationNotAskedForInADayIsForgotten) {
  Pool reals = pool(9, 9, 9);
  EXPECT_EQ(reals.opened_to(kOne), "c");
  EXPECT_EQ(reals.wait(LocalityCache::kExpirationMs - 1).opened_to(kOne), "c");
  EXPECT_EQ(reals.wait(LocalityCache::kExpirationMs).opened_to(kOne), "b");
}

// More destinations than there is room for: the last ones are known, and nothing breaks.
TEST(Lblc, AFullCacheForgetsThoseOfLongAgo) {
  Pool reals = pool(1000, 1000, 1000);
  const auto pick_of = [&](uint32_t destination) {
    return reals.set_destination(IpAddress::from_v4(Be32::from_host(0x0b000000 + destination))).pick();
  };
  for (uint32_t i = 0; i < 3 * LocalityCache::kEntries; ++i) {
    reals.wait(1);
    pick_of(i);
  }
  const uint32_t last = 3 * LocalityCache::kEntries - 1;
  const std::string real = pick_of(last);
  reals.load(real, 500, 0);
  EXPECT_EQ(pick_of(last), real);
  EXPECT_NE(pick_of(0), real);
}

}  // namespace
}  // namespace shunt::dataplane
