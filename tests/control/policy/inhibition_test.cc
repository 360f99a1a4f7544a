#include "control/policy/inhibition.h"

#include <gmock/gmock.h>

namespace shunt::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Optional;
using testing::StrEq;

class Watched : public testing::Test {
 protected:
  Watched() { watch.look(check, total, now); }
  std::optional<std::string> look(seconds later = seconds(1)) {
    now += later;
    return watch.look(check, total, now);
  }

  PassiveCheck check;
  OutcomeWatch watch;
  Outcomes total{1000, 1000, 1000, 1000};  // of whoever had its slot before
  OutcomeWatch::Time now{minutes(100)};
};

TEST_F(Watched, AQuietRealIsFine) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(look(), std::nullopt);
}

TEST_F(Watched, FailuresInARowAreEnough) {
  total.refused += 3;
  EXPECT_EQ(look(), std::nullopt);
  total.unanswered += 1;
  EXPECT_EQ(look(seconds(60)), std::nullopt) << "four, however long they take";
  total.unanswered += 1;
  EXPECT_THAT(look(), Optional(StrEq("5 of 5 connections failed: 2 unanswered, 3 refused, all in a row")));
}

TEST_F(Watched, ASuccessEndsTheRow) {
  total.refused += 4;
  EXPECT_EQ(look(), std::nullopt);
  total.answered += 1;
  EXPECT_EQ(look(), std::nullopt);
  total.refused += 4;
  EXPECT_EQ(look(), std::nullopt);
}

TEST_F(Watched, WhatIsAnsweredAndResetAtOnceIsNoSuccess) {
  total.answered += 4;
  total.reset += 4;
  EXPECT_EQ(look(), std::nullopt);
  total.answered += 1;
  total.reset += 1;
  EXPECT_THAT(look(), Optional(StrEq("5 of 5 connections failed: 5 reset, all in a row")));
}

TEST_F(Watched, TheShareCountsOnceThereAreEnough) {
  total.answered += 9;
  total.unanswered += 9;
  EXPECT_EQ(look(), std::nullopt) << "18 of the 20 that it takes";
  total.answered += 1;
  total.unanswered += 1;
  EXPECT_THAT(look(), Optional(StrEq("10 of 20 connections failed: 10 unanswered, within 2s")));
}

TEST_F(Watched, ASmallerShareIsFine) {
  total.answered += 51;
  total.unanswered += 49;
  EXPECT_EQ(look(), std::nullopt);
}

TEST_F(Watched, AnIntervalForgetsTheOneBefore) {
  total.answered += 9;
  total.refused += 9;
  EXPECT_EQ(look(seconds(10)), std::nullopt);
  total.answered += 9;
  total.refused += 9;
  EXPECT_EQ(look(), std::nullopt);
}

TEST_F(Watched, EachTimeDoublesUpToTheMost) {
  for (const int wanted : {30, 60, 120, 240, 300, 300}) {
    EXPECT_EQ(watch.inhibit(check, now), seconds(wanted));
    EXPECT_FALSE(watch.is_over(now + seconds(wanted - 1)));
    now += seconds(wanted);
    EXPECT_TRUE(watch.is_over(now));
    watch.release(total, now);
    now += minutes(4);
  }
  now += minutes(1);
  EXPECT_EQ(watch.inhibit(check, now), seconds(30)) << "five good minutes";
  EXPECT_EQ(watch.times(), 7u);
}

TEST_F(Watched, AChangedCheckCountsAtOnce) {
  watch.inhibit(check, now);
  watch.release(total, now);
  check.inhibit = minutes(10);
  check.max_inhibit = minutes(15);
  EXPECT_EQ(watch.inhibit(check, now), minutes(10));
  watch.release(total, now);
  EXPECT_EQ(watch.inhibit(check, now), minutes(15));
}

TEST_F(Watched, WhatEndedMeanwhileIsNotHeldAgainstIt) {
  watch.inhibit(check, now);
  total.unanswered += 100;
  now += seconds(30);
  watch.release(total, now);
  EXPECT_EQ(look(), std::nullopt);
}

// Its service was changed: nobody released it, and it is looked at again.
TEST_F(Watched, WhatEndedWhileItWasInhibitedIsNotHeldAgainstOneThatAChangeLetGo) {
  total.unanswered += 5;
  ASSERT_NE(look(), std::nullopt);
  watch.inhibit(check, now);
  total.unanswered += 2;
  EXPECT_EQ(look(), std::nullopt);
  total.refused += 4;
  EXPECT_EQ(look(), std::nullopt);
  total.refused += 1;
  EXPECT_THAT(look(), Optional(StrEq("5 of 5 connections failed: 5 refused, all in a row")));
}

TEST_F(Watched, ASparedOneIsToldOnceAnInterval) {
  EXPECT_TRUE(watch.spare(check, total, now));
  EXPECT_FALSE(watch.spare(check, total, now + seconds(9)));
  EXPECT_TRUE(watch.spare(check, total, now + seconds(10)));
}

TEST(InhibitedShare, IsBounded) {
  PassiveCheck check;
  EXPECT_TRUE(may_inhibit(check, {4, 1, 3}));
  EXPECT_FALSE(may_inhibit(check, {4, 2, 2})) << "50 % of 4";
  EXPECT_TRUE(may_inhibit(check, {3, 0, 3})) << "one in any case";
  EXPECT_FALSE(may_inhibit(check, {3, 1, 2}));
  EXPECT_FALSE(may_inhibit(check, {1, 0, 1})) << "the last one";
  EXPECT_FALSE(may_inhibit(check, {4, 0, 1})) << "the last one that is up";
  check.max_inhibited_percent = 100;
  EXPECT_TRUE(may_inhibit(check, {4, 2, 2}));
  EXPECT_FALSE(may_inhibit(check, {4, 3, 1}));
}

}  // namespace
}  // namespace shunt::control
