// Links of virtual devices in a network namespace of the test's own; needs root.
#include "dataplane/setup/link.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "dataplane/setup/dataplane.h"
#include "tests/support/dataplane_options.h"
#include "tests/support/own_process.h"

namespace shunt::dataplane {
namespace {

std::unique_ptr<Dataplane> started_on(const std::string& device) {
  auto dataplane = Dataplane::start(test::options_on({device}));
  EXPECT_TRUE(dataplane) << dataplane.error().message;
  return dataplane ? std::move(*dataplane) : nullptr;
}

// Runs `ip`; true when it succeeded.
bool ip(const std::string& arguments) { return std::system(("ip " + arguments).c_str()) == 0; }

TEST(Link, ATapIsUpInAnyNamespaceUntilItsInterfaceIsGone) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
  if (test::ran_in_own_process()) return;
  ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  const auto dataplane = started_on("net_tap0,iface=tap7");
  ASSERT_NE(dataplane, nullptr);
  EXPECT_TRUE(dataplane->port_statistics(0).link_up);
  const std::string space = "shunt-link-" + std::to_string(getpid());
  ASSERT_TRUE(ip("netns add " + space));
  EXPECT_TRUE(ip("link set tap7 netns " + space));
  EXPECT_TRUE(dataplane->port_statistics(0).link_up);
  EXPECT_TRUE(ip("-n " + space + " link del tap7"));
  EXPECT_FALSE(dataplane->port_statistics(0).link_up);
  EXPECT_TRUE(ip("netns del " + space));
}

// Linux tells of a carrier some time after its other end changed.
bool link_becomes(const Dataplane& dataplane, bool up) {
  for (int i = 0; i < 300; ++i) {
    if (dataplane.port_statistics(0).link_up == up) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Link, APortOnAnInterfaceFollowsIt) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
  if (test::ran_in_own_process()) return;
  ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  ASSERT_TRUE(ip("link add ve0 type veth peer name ve1") && ip("link set ve0 up") && ip("link set ve1 up"));
  const auto dataplane = started_on("net_af_packet0,iface=ve0");
  ASSERT_NE(dataplane, nullptr);
  EXPECT_TRUE(link_becomes(*dataplane, true));
  EXPECT_TRUE(ip("link set ve1 down"));
  EXPECT_TRUE(link_becomes(*dataplane, false));
  EXPECT_TRUE(ip("link set ve1 up"));
  EXPECT_TRUE(link_becomes(*dataplane, true));
  EXPECT_TRUE(ip("link del ve0"));
  EXPECT_TRUE(link_becomes(*dataplane, false));
}

}  // namespace
}  // namespace shunt::dataplane
