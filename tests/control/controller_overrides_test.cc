// Weights and drains as overrides of a running controller: they outlive files and restarts, end by themselves, and what a
// drain's deadline does.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kFirst = "10.1.0.1:53";

DesiredState both_reals(uint32_t first, uint32_t second = 1) {
  return state_with({real_at("10.1.0.1", first), real_at("10.1.0.2", second)});
}

// Texts of the events of a kind.
std::vector<std::string> texts(ControllerRig& rig, const std::string& kind) {
  std::vector<std::string> result;
  for (const Event& each : rig.controller().events().after(0)) {
    if (each.kind == kind) result.push_back(each.text);
  }
  return result;
}

TEST(ControllerOverrides, OutliveApplyReloadAndRestart) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.set_weight("dns", kFirst, 9, 0, {{}, "me"}));
  ASSERT_TRUE(controller.drain("dns", "10.1.0.2:53", 0));
  EXPECT_EQ(controller.get()->state, rig.options.file.state) << "the configuration is as it was";
  EXPECT_EQ(controller.get()->revision, 3u);

  const auto applied = controller.apply(both_reals(4, 5), 0, false);
  ASSERT_TRUE(applied);
  EXPECT_THAT(applied->changes.at(0).details, Contains("its override stays in force: weight 9"));
  rig.options.file = {both_reals(6, 7), 8};
  ASSERT_TRUE(controller.reload(rig.options.file));
  const auto check = [&rig](uint32_t configured) {
    EXPECT_EQ(rig.real(0).weight, 9u);
    EXPECT_EQ(rig.real(0).configured_weight, configured);
    EXPECT_EQ(rig.real(0).override_of->weight->by, "me");
    EXPECT_TRUE(rig.real(1).draining);
    EXPECT_EQ(rig.real(1).effective_weight, 0u);
    EXPECT_EQ(rig.real_of(static_cast<uint16_t>(7000 + configured)), "10.1.0.1");
  };
  check(6);
  const uint64_t revision = controller.get()->revision;
  rig.start();
  check(6);
  EXPECT_EQ(rig.controller().get()->revision, revision);
  // The file changed while nothing ran: its state, and still the operator's word.
  rig.options.file = {both_reals(2, 3), 9};
  rig.start();
  check(2);
  ASSERT_TRUE(rig.controller().clear_override("dns", kFirst, 0));
  ASSERT_TRUE(rig.controller().undo_drain("dns", "10.1.0.2:53", 0));
  EXPECT_EQ(rig.real(0).weight, 2u);
  EXPECT_EQ(rig.real(1).weight, 3u);
  EXPECT_THAT(*rig.controller().overrides(), IsEmpty());
  const uint64_t last = rig.controller().get()->revision;
  EXPECT_GE(rig.start().get()->revision, last) << "no revision is given twice";
  EXPECT_THAT(*rig.controller().overrides(), IsEmpty());
}

TEST(ControllerOverrides, GoWithTheirReal) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.drain("dns", kFirst, 0));
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.2")}), 0, false));
  EXPECT_TRUE(rig.sees_event("override_lost real dns/10.1.0.1:53"));
  ASSERT_TRUE(controller.apply(both_reals(1), 0, false));
  EXPECT_FALSE(rig.real(0).draining);
  rig.start();
  EXPECT_FALSE(rig.real(0).draining);
}

TEST(ControllerOverrides, EndByTheirTime) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.set_weight("dns", kFirst, 0, 0, {milliseconds(1500), "me"}));
  ASSERT_TRUE(controller.drain("dns", "10.1.0.2:53", 0, {milliseconds(1500), "me", {}, AtDeadline::kLeave}));
  EXPECT_EQ(rig.real(0).weight, 0u);
  EXPECT_TRUE(rig.sees_event("override_expired real dns/10.1.0.1:53"));
  EXPECT_TRUE(rig.sees_event("override_expired real dns/10.1.0.2:53"));
  EXPECT_EQ(rig.real(0).weight, 1u);
  EXPECT_FALSE(rig.real(1).draining);
  EXPECT_NE(rig.real_of(7100), "");
  // One that ends while nothing runs.
  ASSERT_TRUE(controller.set_weight("dns", kFirst, 0, 0, {milliseconds(1000), "me"}));
  controller.stop();
  std::this_thread::sleep_for(milliseconds(1100));
  rig.start();
  EXPECT_EQ(rig.real(0).weight, 1u);
}

TEST(ControllerOverrides, DamagedFileIsKeptAsideAndTold) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  ASSERT_TRUE(rig.start().drain("dns", kFirst, 0));
  rig.controller().stop();
  std::ofstream(rig.directory + "/overrides.json") << "{\"format\": 1, ";
  rig.start();
  EXPECT_FALSE(rig.real(0).draining);
  EXPECT_THAT(rig.controller().status()->problems, Contains(HasSubstr("overrides.json.damaged-")));
}

TEST(ControllerOverrides, AStateOfAFormerVersionDrainsItsReals) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  DesiredState former = both_reals(0);
  former.services[0].reals[0].weight_before_drain = 5;
  ASSERT_TRUE(rig.start().apply(former, 0, false));
  EXPECT_TRUE(rig.real(0).draining);
  EXPECT_EQ(rig.real(0).configured_weight, 5u);
  EXPECT_EQ(rig.controller().get()->state, both_reals(5));
  ASSERT_TRUE(rig.controller().undo_drain("dns", kFirst, 0));
  rig.start();
  EXPECT_EQ(rig.real(0).weight, 5u);
}

// A drain of the one real that has a connection, with another to go to.
void begin_drain(ControllerRig& rig, Milliseconds deadline, AtDeadline then) {
  ASSERT_TRUE(rig.start().apply(state_with({real_at("10.1.0.1")}), 0, false));
  ASSERT_EQ(rig.real_of(7200), "10.1.0.1");
  ASSERT_TRUE(rig.controller().apply(both_reals(1), 0, false));
  ASSERT_TRUE(rig.controller().drain("dns", kFirst, 0, {{}, "me", deadline, then}));
  EXPECT_THAT(texts(rig, "drain_started").at(0), HasSubstr("no new connections; weight was 1; 1 connection left"));
}

TEST(DrainDeadline, LeavesConnectionsAlone) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  begin_drain(rig, milliseconds(300), AtDeadline::kLeave);
  EXPECT_TRUE(rig.sees_event("drain_deadline real dns/10.1.0.1:53"));
  EXPECT_THAT(texts(rig, "drain_deadline"), Contains("1 connection is left: they go on"));
  EXPECT_EQ(rig.real_of(7200), "10.1.0.1");
  EXPECT_THAT(texts(rig, "drain_ended"), IsEmpty());
}

TEST(DrainDeadline, ReschedulesConnections) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  begin_drain(rig, milliseconds(300), AtDeadline::kReschedule);
  EXPECT_TRUE(rig.sees_event("drain_ended real dns/10.1.0.1:53"));
  EXPECT_THAT(texts(rig, "drain_deadline"), Contains(HasSubstr("they are forgotten")));
  EXPECT_EQ(rig.real(0).active_connections + rig.real(0).inactive_connections, 0u);
  EXPECT_EQ(rig.real_of(7200), "10.1.0.2") << "the same client's next datagram opens a new connection";
  EXPECT_TRUE(rig.real(0).draining) << "until somebody says otherwise";
  // Back in service it keeps what it gets.
  ASSERT_TRUE(rig.controller().undo_drain("dns", kFirst, 0));
  ASSERT_TRUE(rig.controller().drain("dns", "10.1.0.2:53", 0));
  ASSERT_EQ(rig.real_of(7300), "10.1.0.1");
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(rig.real_of(7300), "10.1.0.1");
  EXPECT_EQ(rig.real(0).active_connections + rig.real(0).inactive_connections, 1u);
}

TEST(DrainDeadline, MayBeMovedAndOutlivesARestart) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  begin_drain(rig, seconds(3600), AtDeadline::kReset);
  const auto before = rig.real(0).override_of;
  ASSERT_TRUE(rig.controller().drain("dns", kFirst, 0)) << "asked again, nothing else changes";
  EXPECT_EQ(*rig.real(0).override_of, *before);
  rig.start();
  ASSERT_NE(rig.real(0).override_of, nullptr);
  EXPECT_EQ(*rig.real(0).override_of, *before);
  ASSERT_TRUE(rig.controller().drain("dns", kFirst, 0, {{}, "me", milliseconds(200), AtDeadline::kReschedule}));
  EXPECT_TRUE(rig.sees_event("drain_deadline real dns/10.1.0.1:53"));
  ASSERT_TRUE(rig.controller().drain("dns", kFirst, 0, {{}, "me", seconds(3600), AtDeadline::kReset}));
  EXPECT_THAT(texts(rig, "drain_progress"), Contains(StartsWith("another deadline; ")));
}

}  // namespace
}  // namespace shunt::control
