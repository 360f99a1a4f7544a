#include "control/policy/override.h"

#include <gmock/gmock.h>

#include "control/policy/drain.h"
#include "control/policy/override_file.h"

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

WallClock::time_point at(int second) { return WallClock::time_point(seconds(1'800'000'000 + second)); }

Override both() {
  Override value;
  value.weight = WeightOverride{7, at(0), at(3600), "unix socket"};
  value.drain = DrainOverride{at(1), {}, "ops at 192.0.2.7:40112", at(300), AtDeadline::kReset};
  return value;
}

TEST(Override, GoesBeforeTheConfigurationAndADrainBeforeAWeight) {
  EXPECT_EQ(wanted_weight(5, nullptr), 5u);
  Override value = both();
  EXPECT_EQ(wanted_weight(5, &value), 0u);
  EXPECT_EQ(undrained_weight(5, &value), 7u);
  value.drain.reset();
  EXPECT_EQ(wanted_weight(5, &value), 7u);
  value.weight.reset();
  EXPECT_EQ(wanted_weight(5, &value), 5u);
  EXPECT_TRUE(value.is_empty());
}

TEST(Override, EndsByItsTimeEachPartByItself) {
  Override value = both();
  EXPECT_EQ(still_valid(value, at(3599)), value);
  EXPECT_FALSE(still_valid(value, at(3600)).weight);
  EXPECT_TRUE(still_valid(value, at(3600)).drain) << "a deadline is no end";
  value.drain->until = at(50);
  EXPECT_FALSE(still_valid(value, at(50)).drain);
  EXPECT_TRUE(still_valid(value, at(50)).weight);
}

TEST(Override, IsToldInWords) {
  EXPECT_EQ(text_of(Override{}), "none");
  EXPECT_EQ(text_of(both()), "drained, reset at 2027-01-15T08:05:00Z; weight 7 until 2027-01-15T09:00:00Z");
}

TEST(OverrideJson, ComesBackAsItWas) {
  KeptOverrides kept{9, {{"web", "r1", *IpAddress::parse("10.0.0.1"), 80, both()},
                         {"web6", "[2001:db8::1]:0", *IpAddress::parse("2001:db8::1"), 0, both()}}};
  kept.list[1].value.weight.reset();
  kept.list[1].value.drain->until = at(9);
  const auto back = overrides_from_json(to_json(kept));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, kept);
}

TEST(OverrideJson, RefusesWhatItIsNot) {
  const std::string good = to_json(KeptOverrides{9, {{"web", "r1", *IpAddress::parse("10.0.0.1"), 80, both()}}});
  for (const auto& [what, instead] : std::vector<std::pair<std::string, std::string>>{
           {"\"format\": 1", "\"format\": 2"}, {"\"reset\"", "\"explode\""}, {"10.0.0.1", "10.0.0"},
           {"\"weight\": 7", "\"weight\": 70000"}, {"\"by\"", "\"buy\""}, {"]", ""}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(what), std::string::npos) << what;
    bad.replace(bad.find(what), what.size(), instead);
    EXPECT_FALSE(overrides_from_json(bad)) << bad;
  }
}

TEST(DrainProgress, TellsHalvesOfConnectionsAndQuartersOfTime) {
  DrainOverride drain{at(0), {}, "", at(400), AtDeadline::kReset};
  DrainProgress progress;
  progress.begin(100, at(0));
  EXPECT_FALSE(progress.note(51, at(1), drain));
  EXPECT_TRUE(progress.note(50, at(1), drain));
  EXPECT_FALSE(progress.note(50, at(1), drain));
  EXPECT_FALSE(progress.note(90, at(99), drain)) << "persistent clients may bring new ones";
  EXPECT_TRUE(progress.note(90, at(100), drain));
  EXPECT_FALSE(progress.note(90, at(199), drain));
  EXPECT_TRUE(progress.note(90, at(399), drain));
  EXPECT_FALSE(progress.note(90, at(500), drain)) << "the deadline has an event of its own";
  EXPECT_TRUE(progress.note(25, at(500), drain));
  drain.deadline.reset();
  EXPECT_FALSE(progress.note(24, at(900), drain));
  EXPECT_TRUE(progress.note(1, at(900), drain));
}

TEST(DrainProgress, IsToldInWords) {
  DrainOverride drain{at(0), {}, "", {}, AtDeadline::kReset};
  EXPECT_EQ(progress_text(1, at(0), drain), "1 connection left");
  drain.deadline = at(3671);
  EXPECT_EQ(progress_text(12, at(0), drain), "12 connections left, 1h1m11s until they are reset");
  EXPECT_EQ(progress_text(12, at(3600), drain), "12 connections left, 1m11s until they are reset");
  EXPECT_EQ(progress_text(12, at(3671), drain), "12 connections left, they are reset");
  drain.then = AtDeadline::kLeave;
  EXPECT_EQ(progress_text(12, at(3670), drain), "12 connections left, 1s to the deadline");
}

}  // namespace
}  // namespace shunt::control
