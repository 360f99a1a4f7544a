// shuntctl's edits as a running daemon takes them.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/src/shuntd/program.h"

namespace shunt::shuntd {
namespace {

using testing::HasSubstr;
using testing::Not;

// Its exit status; what it says goes to the place's file `out`.
int ctl(const Place& place, const std::string& arguments, const std::string& out) {
  const std::string command = std::string(SHUNTCTL_PATH) + " -s " + place.path("sock") + " " +
                              arguments + " >" + place.path(out) + " 2>&1";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(RunningEdits, ManyAtATimeAllCount) {
  const Place place;
  Shuntd daemon(place, {"-c", place.write()});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  constexpr int kEdits = 8;
  std::vector<std::thread> editors;
  for (int i = 0; i < kEdits; ++i) {
    editors.emplace_back([&place, i] {
      const std::string out = "out" + std::to_string(i);
      EXPECT_EQ(ctl(place, "real add web 192.0.2." + std::to_string(100 + i), out), 0)
          << place.read(out);
    });
  }
  for (auto& editor : editors) editor.join();
  ASSERT_EQ(ctl(place, "get", "got"), 0);
  const std::string got = place.read("got");
  EXPECT_THAT(got, HasSubstr("# revision " + std::to_string(1 + kEdits) + "\n"));
  for (int i = 0; i < kEdits; ++i)
    EXPECT_THAT(got, HasSubstr("192.0.2." + std::to_string(100 + i) + ":80"));
}

TEST(RunningEdits, AnEditLeavesADrainOfAnotherRealAndIsCheckedByTheDaemon) {
  const Place place;
  Shuntd daemon(place, {"-c", place.write()});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  EXPECT_EQ(ctl(place, "real drain web 192.0.2.11:80", "out"), 0);
  EXPECT_EQ(ctl(place, "real add web 192.0.2.12 --weight 3", "out"), 0) << place.read("out");
  EXPECT_EQ(ctl(place, "real add web 192.0.2.12", "out"), 2);
  EXPECT_THAT(place.read("out"), HasSubstr("list each real once"));
  EXPECT_EQ(ctl(place, "real remove web 192.0.2.12:80 --dry-run", "out"), 0);
  ASSERT_EQ(ctl(place, "get", "got"), 0);
  EXPECT_THAT(place.read("got"), HasSubstr("192.0.2.12:80"));
  ASSERT_EQ(ctl(place, "overrides", "overrides"), 0);
  EXPECT_THAT(place.read("overrides"), AllOf(HasSubstr("192.0.2.11:80"), HasSubstr("drained")));
  EXPECT_EQ(ctl(place, "real remove web 192.0.2.12:80", "out"), 0);
  ASSERT_EQ(ctl(place, "get", "got"), 0);
  EXPECT_THAT(place.read("got"), Not(HasSubstr("192.0.2.12:80")));
}

}  // namespace
}  // namespace shunt::shuntd
