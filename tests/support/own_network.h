// A network namespace for one test: the test's thread lives in it from SetUp to TearDown, with `lo`
// up. Threads and processes started meanwhile are in it too; it goes when the last of them and the
// last socket in it goes. Needs root.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace shunt::test {

class OwnNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(before_, 0);
    if (::unshare(CLONE_NEWNET) != 0) {
      ::close(before_);
      before_ = -1;
      GTEST_SKIP() << "no network namespace of our own: needs root";
    }
    ip("link set lo up");
  }

  void TearDown() override {
    if (before_ < 0) return;
    ASSERT_EQ(::setns(before_, CLONE_NEWNET), 0);
    ::close(before_);
  }

  // Interfaces have IPv6 unless told so; its address detection and router solicitations go on for
  // seconds.
  static void set_ipv6(bool enabled) {
    FILE* setting = std::fopen("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w");
    ASSERT_NE(setting, nullptr);
    std::fputs(enabled ? "0" : "1", setting);
    std::fclose(setting);
  }

  // Runs `ip ARGUMENTS` in the namespace and returns what it printed. Fails the test if it fails.
  static std::string ip(const std::string& arguments) {
    FILE* pipe = ::popen(("ip " + arguments + " 2>&1").c_str(), "r");
    std::string output;
    std::array<char, 4096> part;
    while (const size_t bytes = std::fread(part.data(), 1, part.size(), pipe))
      output.append(part.data(), bytes);
    EXPECT_EQ(::pclose(pipe), 0) << "ip " << arguments << ": " << output;
    return output;
  }

  // Whether the interface's IPv6 addresses are usable soon: Linux takes a moment for them, and over
  // a second when it detects duplicates.
  static bool is_ipv6_usable_soon(const std::string& interface) {
    for (int i = 0; i < 50; ++i) {
      if (ip("-6 addr show dev " + interface + " tentative").empty()) return true;
      ::usleep(10000);
    }
    return false;
  }

 private:
  int before_ = -1;
};

}  // namespace shunt::test
