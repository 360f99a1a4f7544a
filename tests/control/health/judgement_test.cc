#include "control/health/judgement.h"

#include <gtest/gtest.h>

#include <string>

namespace shunt::control {
namespace {

// The health after each outcome: '+' success, '-' failure; 'U' up, 'D' down, '?' unknown.
std::string healths(const std::string& outcomes, uint32_t rise, uint32_t fall) {
  Judgement judgement;
  std::string result;
  for (const char outcome : outcomes) {
    const Health health = judgement.add(outcome == '+', rise, fall);
    result += health == Health::kUp ? 'U' : health == Health::kDown ? 'D' : '?';
  }
  return result;
}

TEST(JudgementTest, OneSuccessDecidesAtFirst) { EXPECT_EQ(healths("+", 5, 5), "U"); }

TEST(JudgementTest, FallFailuresDecideAtFirst) { EXPECT_EQ(healths("---", 2, 3), "??D"); }

TEST(JudgementTest, ASuccessAmongTheFirstFailuresMeansUp) {
  EXPECT_EQ(healths("--+", 2, 3), "??U");
}

TEST(JudgementTest, FallsAfterFailuresInARowOnly) {
  EXPECT_EQ(healths("+--+--+---", 2, 3), "UUUUUUUUUD");
}

TEST(JudgementTest, RisesAfterSuccessesInARowOnly) {
  EXPECT_EQ(healths("--+-+-++", 2, 2), "?DDDDDDU");
}

TEST(JudgementTest, OneIsAtOnce) { EXPECT_EQ(healths("+-+-", 1, 1), "UDUD"); }

}  // namespace
}  // namespace shunt::control
