// shuntctl stats: what is asked and what is shown.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;

v1::Stats look(const char* text) {
  v1::Stats stats;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &stats));
  return stats;
}

constexpr const char* kLook = R"(time { seconds: 1700000000 } is_last: true services {
  name: "web" reals: 2 reals_up: 1 active_connections: 12 inactive_connections: 3
  traffic { connections: 1234567 } rates { connections: 2.5 in_packets: 1000 out_packets: 900 in_bytes: 125000 out_bytes: 250000 }
  real_stats { name: "r1" health: HEALTH_UP active_connections: 12 }
  real_stats { name: "r2" health: HEALTH_DOWN }
})";

TEST(Stats, ShowsALineForEachServiceAndReal) {
  FakeDaemon daemon;
  daemon.stats = {look(kLook)};
  const Ended ended = daemon.ctl({"stats", "web", "--reals"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("2023-11-14 22:13:20 web                      1/2       12      3        1.23M   2.5"));
  EXPECT_THAT(ended.out, HasSubstr("1.00M    2.00M\n"));
  EXPECT_THAT(ended.out, HasSubstr("  r2                     DOWN"));
  EXPECT_EQ(daemon.asked_stats.services(0), "web");
  EXPECT_TRUE(daemon.asked_stats.with_reals());
  EXPECT_EQ(daemon.asked_stats.count(), 1U);
}

TEST(Stats, WatchesAtAnIntervalUntilACount) {
  FakeDaemon daemon;
  daemon.stats = {look(kLook), look(kLook)};
  const Ended ended = daemon.ctl({"stats", "-w", "--interval", "5s", "--count", "2", "-o", "json"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 2);
  EXPECT_EQ(daemon.asked_stats.interval().seconds(), 5);
  EXPECT_EQ(daemon.asked_stats.count(), 2U);
  EXPECT_EQ(daemon.ctl({"stats", "-w"}).exit, 0);
  EXPECT_EQ(daemon.asked_stats.count(), 0U);
  EXPECT_EQ(daemon.ctl({"stats", "--interval", "5s"}).exit, 2);
  EXPECT_EQ(daemon.ctl({"stats", "-w", "--interval", "soon"}).exit, 2);
}

}  // namespace
}  // namespace shunt::shuntctl
