#include "src/base/flood_limit.h"

#include <gtest/gtest.h>

namespace shunt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr FloodLimit::Time kStart{seconds(1'000'000)};

TEST(FloodLimit, ALineThatRepeatsIsToldAFewTimesAndThenSummedUp) {
  FloodLimit limit;
  uint32_t told = 0;
  for (int i = 0; i < 1000; ++i)
    told += limit.admits(2, false, "queue full", kStart + milliseconds(i)) ? 1 : 0;
  EXPECT_EQ(told, FloodLimit::kSameLines);
  EXPECT_TRUE(limit.due(kStart + seconds(5)).empty());
  const auto summaries = limit.due(kStart + FloodLimit::kWindow);
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].text, "queue full (again, 995 times)");
  EXPECT_EQ(summaries[0].level, 2);
  EXPECT_TRUE(limit.due(kStart + FloodLimit::kWindow).empty());
  EXPECT_TRUE(limit.admits(2, false, "queue full", kStart + seconds(11)));
}

TEST(FloodLimit, LinesInTurnsAreEachCounted) {
  FloodLimit limit;
  uint32_t told = 0;
  for (int i = 0; i < 100; ++i)
    told += limit.admits(4, true, i % 2 == 0 ? "a" : "b", kStart) ? 1 : 0;
  EXPECT_EQ(told, 2 * FloodLimit::kSameLines);
  EXPECT_EQ(limit.rest().size(), 2U);
}

TEST(FloodLimit, BeyondSoManyLinesASecondOnlyImportantOnesAreTold) {
  FloodLimit limit;
  for (uint32_t i = 0; i < FloodLimit::kLinesASecond; ++i) {
    ASSERT_TRUE(limit.admits(2, false, "line " + std::to_string(i), kStart));
  }
  EXPECT_FALSE(limit.admits(2, false, "one more", kStart));
  EXPECT_TRUE(limit.admits(4, true, "an error", kStart));
  EXPECT_TRUE(limit.due(kStart).empty());
  const auto summaries = limit.due(kStart + seconds(1));
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].text, "log: 1 lines were left out, more than 500 in one second");
  EXPECT_TRUE(limit.admits(2, false, "later", kStart + seconds(1)));
}

TEST(FloodLimit, AClockThatIsSetBackSilencesNothing) {
  FloodLimit limit;
  for (uint32_t i = 0; i < 10; ++i) limit.admits(2, false, "again", kStart);
  EXPECT_EQ(limit.due(kStart - seconds(3600)).size(), 1U);
  EXPECT_TRUE(limit.admits(2, false, "again", kStart - seconds(3600)));
}

}  // namespace
}  // namespace shunt
