// What a controller makes of what the kernel knows of ports and neighbours; each test in a process of its own.
#include "control/controller.h"

#include <gmock/gmock.h>

#include <set>

#include "config/validate.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(ControllerHops, UnresolvedNextHopsAreAskedForAndToldOf) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.40"), real_at("172.16.0.1")}), 0, false));
  EXPECT_TRUE(within(seconds(4), [&] { return !rig.resolved().empty(); }));
  EXPECT_THAT(rig.resolved(), Contains("10.1.0.40"));
  EXPECT_EQ(rig.real(0).next_hop, "unresolved: 10.1.0.40 on p0");
  EXPECT_EQ(rig.real(1).next_hop, "no route");
  EXPECT_THAT(controller.status()->problems,
              AllOf(Contains(HasSubstr("next hop 10.1.0.40")), Contains(HasSubstr("172.16.0.1: no route"))));
  controller.on_kernel_view(ControllerRig::view({"10.1.0.40"}));
  EXPECT_TRUE(rig.sees_event("neighbour 10.1.0.40"));
  EXPECT_TRUE(within(seconds(2), [&] {
    return rig.real(0).next_hop == "reachable via " + ControllerRig::kGroup.to_string() + " on p0";
  }));
  EXPECT_THAT(controller.status()->problems, Not(Contains(HasSubstr("next hop 10.1.0.40"))));
}

TEST(ControllerHops, AFixedNeighbourIsNotAskedAbout) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  KernelView view = ControllerRig::view({"10.1.0.40", "10.1.0.41"});
  view.neighbours[0].is_fixed = true;
  controller.on_kernel_view(view);
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.40"), real_at("10.1.0.41")}), 0, false));
  EXPECT_TRUE(within(seconds(4), [&] { return !rig.resolved().empty(); }));
  EXPECT_THAT(rig.resolved(), Contains("10.1.0.41"));
  EXPECT_THAT(rig.resolved(), Not(Contains("10.1.0.40")));
}

TEST(ControllerHops, APacketThatWaitsForItsNeighbourArrivesWhenTheKernelKnowsIt) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  rig.options.hooks.resolve = nullptr;
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.50")}), 0, false));
  std::jthread kernel([&] {
    within(seconds(3), [&] {
      const auto asked = rig.resolved();
      return std::find(asked.begin(), asked.end(), "10.1.0.50") != asked.end();
    });
    controller.on_kernel_view(ControllerRig::view({"10.1.0.50"}));
  });
  EXPECT_EQ(rig.real_of(7000), "10.1.0.50");
}

TEST(ControllerHops, UnresolvedIpv6NextHopsAreAskedForAndToldOf) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.apply(both_families({real_at("2001:db8:1::40"), real_at("2001:db8:66::1")}), 0, false));
  EXPECT_TRUE(within(seconds(4), [&] {
    const auto asked = rig.resolved();
    return std::find(asked.begin(), asked.end(), "2001:db8:1::40") != asked.end();
  }));
  const auto reals = [&] { return controller.list_services({})->services.at(1).reals; };
  EXPECT_EQ(reals().at(0).next_hop, "unresolved: 2001:db8:1::40 on p0");
  EXPECT_EQ(reals().at(1).next_hop, "no route");
  EXPECT_THAT(controller.status()->problems, AllOf(Contains(HasSubstr("next hop 2001:db8:1::40: it does not answer")),
                                                   Contains(HasSubstr("2001:db8:66::1: no route"))));
  // Behind a router whose address is link-local.
  KernelView view = ControllerRig::view({"fe80::fe"});
  view.routes.push_back({*Prefix::parse("2001:db8:66::/48"), 0, *IpAddress::parse("fe80::fe"), 0, {}});
  controller.on_kernel_view(view);
  EXPECT_TRUE(rig.sees_event("neighbour fe80::fe"));
  EXPECT_TRUE(within(seconds(2), [&] { return reals().at(1).next_hop.starts_with("reachable via"); }));
}

TEST(ControllerHops, AKernelPortSetDownStopsItsPort) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_NE(rig.real_of(9500), "");
  KernelView view = ControllerRig::view({"10.1.0.1", "10.1.0.2"});
  view.links[0].up = false;
  controller.on_kernel_view(view);
  EXPECT_TRUE(within(seconds(2), [&] {
    return testing::Matches(Contains(HasSubstr("port p0: its kernel port is set down")))(controller.status()->problems);
  }));
  EXPECT_TRUE(within(seconds(5), [&] { return rig.real_of(9500).empty(); }));
  controller.set_problem("mirror", "kernel: it does not listen; restart it");
  EXPECT_THAT(controller.status()->problems, Contains("kernel: it does not listen; restart it"));
  controller.set_problem("mirror", "");
  EXPECT_THAT(controller.status()->problems, Not(Contains(HasSubstr("restart it"))));
}

}  // namespace
}  // namespace shunt::control
