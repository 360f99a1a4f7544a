#include "dataplane/setup/instance.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;

std::string prefix() { return "shunt-instance-test-" + std::to_string(getpid()); }

TEST(Instance, ASecondOneIsToldWhoHoldsThePrefix) {
  const std::string mine = prefix();
  auto first = Instance::take(mine);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Instance::take(mine);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("(process " + std::to_string(getpid()) + ")"));
  EXPECT_TRUE(Instance::take(mine + "-other"));
}

TEST(Instance, AKilledHolderLeavesThePrefixFree) {
  const std::string mine = prefix();
  const pid_t child = fork();
  if (child == 0) {
    auto held = Instance::take(mine);
    _exit(held ? 0 : 1);  // without its destructor
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(runtime_folder(mine)));
  EXPECT_TRUE(Instance::take(mine));
}

TEST(Instance, NothingStaysBehind) {
  const std::string mine = prefix();
  {
    auto held = Instance::take(mine);
    ASSERT_TRUE(held);
    std::ofstream(runtime_folder(mine) + "/config") << "EAL's";
  }
  EXPECT_FALSE(std::filesystem::exists(runtime_folder(mine)));
}

TEST(Instance, APrefixThatIsNoFileNameIsRefused) {
  for (const char* bad : {"", "..", ".", "a/b", "../x", "a%s", "a b"}) EXPECT_FALSE(Instance::take(bad)) << bad;
}

}  // namespace
}  // namespace shunt::dataplane
