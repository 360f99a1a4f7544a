#include "dataplane/counters.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace shunt::dataplane {
namespace {

TEST(Counters, AddAndRead) {
  Counter counter;
  EXPECT_EQ(counter.read(), 0u);
  counter.add(3);
  counter.add(uint64_t{1} << 40);
  EXPECT_EQ(counter.read(), (uint64_t{1} << 40) + 3);
}

// One writer: a reader sees it only grow, and nothing is lost.
TEST(Counters, ReaderSeesWholeGrowingValues) {
  Counter counter;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 1000000; ++i) counter.add(0x100000001);
    done = true;
  });
  uint64_t last = 0;
  while (!done) {
    const uint64_t now = counter.read();
    ASSERT_GE(now, last);
    ASSERT_EQ(now >> 32, now & 0xffffffff) << "torn";
    last = now;
  }
  writer.join();
  EXPECT_EQ(counter.read(), 1000000 * uint64_t{0x100000001});
}

TEST(Counters, RealsDoNotShareCacheLines) { EXPECT_EQ(alignof(RealCounters), 64u); }

TEST(DropReasons, EveryReasonHasANameAndAMeaningOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    EXPECT_TRUE(names.insert(name_of(reason)).second) << name_of(reason);
    EXPECT_THAT(std::string(name_of(reason)), testing::MatchesRegex("[a-z0-9_]+"));
    EXPECT_THAT(std::string(meaning_of(reason)), testing::EndsWith("."));
  }
}

}  // namespace
}  // namespace shunt::dataplane
