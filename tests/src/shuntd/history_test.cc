// History and rollback with the built programs, a kill -9 in between.
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "tests/src/shuntd/program.h"

namespace shunt::shuntd {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// What shuntctl says, and its exit status at the end.
std::string told(const Place& place, const std::string& arguments) {
  const std::string command = std::string(SHUNTCTL_PATH) + " -s " + place.path("sock") + " " + arguments + " >" +
                              place.path("told") + " 2>&1";
  const int status = std::system(command.c_str());
  return place.read("told") + "exit " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

TEST(RunningHistory, ARollbackLeadsBackAlsoAfterAKill) {
  const Place place;
  const std::string file = place.write();
  {
    Shuntd daemon(place, {"-c", file});
    ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
    EXPECT_THAT(told(place, "real add web 192.0.2.12 --weight 3"), HasSubstr("exit 0"));
    EXPECT_THAT(told(place, "real remove web 192.0.2.11:80"), HasSubstr("exit 0"));
    daemon.send(SIGKILL);
    daemon.wait();
  }
  Shuntd daemon(place, {"-c", file});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  EXPECT_THAT(told(place, "history"), AllOf(HasSubstr("3*"), HasSubstr("real web/192.0.2.12:80"), HasSubstr("file")));
  EXPECT_THAT(told(place, "history show 2"), AllOf(HasSubstr("+ real web/192.0.2.12:80"), HasSubstr("(uid ")));
  EXPECT_THAT(told(place, "history show 2 --state"), AllOf(HasSubstr("192.0.2.11"), HasSubstr("192.0.2.12")));
  EXPECT_THAT(told(place, "rollback 1 --dry-run"), AllOf(HasSubstr("dry run"), HasSubstr("revision 3")));
  EXPECT_THAT(told(place, "rollback 1"), AllOf(HasSubstr("+ real web/192.0.2.11:80"), HasSubstr("revision 4")));
  EXPECT_THAT(told(place, "get"), AllOf(HasSubstr("192.0.2.11"), Not(HasSubstr("192.0.2.12"))));
  EXPECT_THAT(told(place, "rollback 77"), AllOf(HasSubstr("shuntctl history"), HasSubstr("exit 4")));
}

}  // namespace
}  // namespace shunt::shuntd
