#include "tests/support/own_process.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

namespace shunt::test {

bool ran_in_own_process() {
  constexpr const char* kMark = "SHUNT_TEST_OWN_PROCESS";
  if (std::getenv(kMark) != nullptr) return false;
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string filter = "--gtest_filter=" + std::string(test->test_suite_name()) + "." + test->name();
  std::string program = "/proc/self/exe";
  std::string brief = "--gtest_brief=1";
  std::string no_report = "--gtest_output=";
  char* arguments[] = {program.data(), filter.data(), brief.data(), no_report.data(), nullptr};
  setenv(kMark, "1", 1);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  unsetenv(kMark);
  if (failed != 0) {
    ADD_FAILURE() << "the test's own process did not start";
    return true;
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the test failed in its own process, see above";
  return true;
}

}  // namespace shunt::test
