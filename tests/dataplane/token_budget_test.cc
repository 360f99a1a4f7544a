#include "dataplane/token_budget.h"

#include <gmock/gmock.h>

namespace shunt::dataplane {
namespace {

int take_all(TokenBudget& budget, Tick now) {
  int taken = 0;
  while (budget.take(now)) ++taken;
  return taken;
}

TEST(TokenBudget, BurstThenOneAMillisecond) {
  TokenBudget budget;
  EXPECT_EQ(take_all(budget, 0), 50);
  EXPECT_EQ(take_all(budget, 0), 0);
  EXPECT_EQ(take_all(budget, 1), 1);
  EXPECT_EQ(take_all(budget, 11), 10);
}

TEST(TokenBudget, RestBringsNoMoreThanABurst) {
  TokenBudget budget;
  take_all(budget, 0);
  EXPECT_EQ(take_all(budget, 1000000), 50);
}

TEST(TokenBudget, ASecondOfAskingGetsAboutTheRate) {
  TokenBudget budget;
  int taken = 0;
  for (Tick now = 0; now < 1000; ++now) taken += take_all(budget, now);
  EXPECT_EQ(taken, 50 + 999);
}

TEST(TokenBudget, ClocksWrapIsNoWindfall) {
  TokenBudget budget;
  take_all(budget, UINT32_MAX - 1);
  EXPECT_EQ(take_all(budget, 1), 3);
}

}  // namespace
}  // namespace shunt::dataplane
