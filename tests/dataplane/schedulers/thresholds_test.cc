// How every scheduler goes by overloaded reals, as recorded from Linux 6.1's IPVS: reals a, b and c, 10.0.0.1 to
// 10.0.0.3, of weights 3, 1 and 2, added in that order, upper thresholds of 4, 3 and 5; each connection still open when
// the next one came.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/dataplane/schedulers/pool.h"
#include "tests/dataplane/schedulers/recorded_destinations.h"

namespace shunt::dataplane {
namespace {

constexpr Thresholds kThresholds[] = {{4, 0}, {3, 2}, {5, 0}};
constexpr uint32_t kFirstClient = 0xc63303e8;  // 198.51.3.232

Pool pool(SchedulerKind kind, uint8_t flags = 0, std::span<const Thresholds> thresholds = kThresholds) {
  Pool result(kind);
  result.set_flags(flags);
  constexpr uint32_t kWeights[] = {3, 1, 2};
  for (uint32_t i = 0; i < 3; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    result.add_at(Be32::from_host(0x0a000001 + i), Be16{}, name, kWeights[i]).limit(name, thresholds[i]);
  }
  // Linux's threshold is what adding the reals one by one left; Shunt's wrr would begin at the highest weight.
  if (kind == SchedulerKind::kWrr) result.cursor().weight = 1;
  return result;
}

struct Recorded {
  SchedulerKind scheduler;
  uint8_t flags;
  const char* picks;
};
std::ostream& operator<<(std::ostream& out, const Recorded& recorded) { return out << name_of(recorded.scheduler); }

class ThresholdsOf : public testing::TestWithParam<Recorded> {};

TEST_P(ThresholdsOf, PicksAreLinuxs) {
  EXPECT_EQ(pool(GetParam().scheduler, GetParam().flags).opened_by_clients(kFirstClient, 16), GetParam().picks);
}

INSTANTIATE_TEST_SUITE_P(
    Schedulers, ThresholdsOf,
    testing::Values(Recorded{SchedulerKind::kRr, 0, "c b a c b a c b a c a c - - - -"},
                    Recorded{SchedulerKind::kWrr, 0, "c b a a c a c b a c c b - - - -"},
                    Recorded{SchedulerKind::kLc, 0, "c b a c b a c b a c a c - - - -"},
                    Recorded{SchedulerKind::kWlc, 0, "c b a a c a c b a c c b - - - -"},
                    Recorded{SchedulerKind::kSed, 0, "a c a c b a a c c b c b - - - -"},
                    Recorded{SchedulerKind::kNq, 0, "c b a a c a a c c b c b - - - -"},
                    Recorded{SchedulerKind::kSh, 0, "a a a c a c b - c - c - c b - b"},
                    Recorded{SchedulerKind::kSh, kFallback, "a a a c a c b c c c b b - - - -"},
                    Recorded{SchedulerKind::kMh, 0, "a a c a a - c c c c - b - b - b"},
                    Recorded{SchedulerKind::kMh, kFallback, "a a c a a b c c c c b b - - - -"},
                    Recorded{SchedulerKind::kFo, 0, "a a a a c c c c c b b b - - - -"},
                    Recorded{SchedulerKind::kOvf, 0, "a a a a c c c b b - - - - - - -"}));

TEST(Thresholds, PicksByDestinationAreLinuxs) {
  EXPECT_EQ(pool(SchedulerKind::kDh).opened_to(destinations(0, 16)), "a a a a c c c - - c - - - - - -");
  EXPECT_EQ(pool(SchedulerKind::kLblc).opened_to(destinations(0, 16)), "c c c b a a a c b a b b b b b c");
  EXPECT_EQ(pool(SchedulerKind::kLblcr).opened_to(destinations(0, 16)), "c c c b a a a c b a b c - - - -");
}

// Twelve connections opened, four of each real; of rr two of a's, one of b's and c's ended, of wrr one of a's and b's and
// two of c's.
TEST(Thresholds, RealsComeBackAsInLinux) {
  constexpr Thresholds kWithLower[] = {{4, 3}, {4, 2}, {4, 0}};
  Pool rr = pool(SchedulerKind::kRr, 0, kWithLower);
  EXPECT_EQ(rr.opened_by_clients(kFirstClient, 13), "c b a c b a c b a c b a -");
  rr.end("a").end("a").end("b").end("c");
  EXPECT_EQ(rr.opened_by_clients(kFirstClient, 4), "a a - -");
  Pool wrr = pool(SchedulerKind::kWrr, 0, kWithLower);
  wrr.weigh("b", 2).weigh("c", 1);
  EXPECT_EQ(wrr.opened_by_clients(kFirstClient, 13), "c b a a b a c b a b c c -");
  wrr.end("a").end("b").end("c").end("c");
  EXPECT_EQ(wrr.opened_by_clients(kFirstClient, 4), "c c - -");
}

TEST(Thresholds, TwosDrawsFromThoseThatAreLeft) {
  Pool reals = pool(SchedulerKind::kTwos);
  std::map<std::string, int> times;
  for (int i = 0; i < 16; ++i) ++times[reals.open()];
  EXPECT_EQ(times, (std::map<std::string, int>{{"a", 4}, {"b", 3}, {"c", 5}, {"-", 4}}));
}

TEST(Thresholds, ARealComesBackBelowItsLowerThreshold) {
  Pool reals = pool(SchedulerKind::kRr);
  reals.opened_by_clients(kFirstClient, 16);
  EXPECT_EQ(reals.end("b").pick(), "-") << "2 is not below 2";
  EXPECT_EQ(reals.end("b").open(), "b");
  EXPECT_EQ(reals.open(), "b") << "until it has 3 again";
  EXPECT_EQ(reals.open(), "-");
}

TEST(Thresholds, WithoutALowerOneItComesBackBelowThreeQuarters) {
  Pool reals = pool(SchedulerKind::kRr);
  reals.opened_by_clients(kFirstClient, 16);
  EXPECT_EQ(reals.end("a").pick(), "-") << "3 of 4";
  EXPECT_EQ(reals.end("a").pick(), "a");
  EXPECT_EQ(reals.end("c").end("c").limit("a", {1, 0}).pick(), "c") << "3 of 5, and a has too many now";
}

TEST(Thresholds, AHigherThresholdIsANewBeginning) {
  Pool reals = pool(SchedulerKind::kRr);
  reals.opened_by_clients(kFirstClient, 16);
  EXPECT_EQ(reals.limit("a", {5, 3}).pick(), "a");
}

TEST(Thresholds, OtherWorkersConnectionsCount) {
  Pool reals = pool(SchedulerKind::kWlc);
  reals.load_elsewhere("a", 2, 2).load_elsewhere("b", 3, 0);
  EXPECT_EQ(reals.opened_by_clients(kFirstClient, 6), "c c c c c -");
}

}  // namespace
}  // namespace shunt::dataplane
