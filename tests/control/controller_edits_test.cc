// Edits of single services through the controller: what is kept on disk, and what the past then is.
#include <gmock/gmock.h>

#include <filesystem>
#include <random>

#include "control/controller.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

ServiceEdit one_of(std::mt19937& random, const DesiredState& state) {
  const auto below = [&random](unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random); };
  const std::string name = "s" + std::to_string(below(6));
  for (const Service& service : state.services) {
    if (service.name != name) continue;
    if (below(4) == 0) return {{name}, {}};
    Service changed = service;
    changed.reals[0].weight = 1 + below(60000);
    if (below(3) == 0) changed.reals.push_back(real_at("10.1.2." + std::to_string(1 + changed.reals.size())));
    return {{}, {changed}};
  }
  return {{}, {service_at(name, "10.9.8." + name.substr(1), {real_at("10.1.0.1"), real_at("10.1.0.2")})}};
}

TEST(ControllerEdits, AreKeptOneByOneAndEachRevisionComesBack) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller* controller = &rig.start();
  std::mt19937 random(7);
  std::map<uint64_t, DesiredState> past{{1, controller->get()->state}};
  uint64_t whole_writes = 0;
  for (int i = 0; i < 60; ++i) {
    const auto before = controller->get();
    const ServiceEdit edit = one_of(random, before->state);
    DesiredState wanted = before->state;
    make_edits({edit}, wanted);
    const auto bytes = std::filesystem::file_size(rig.journal_file());
    const auto outcome = controller->edit(edit, before->revision, false);
    ASSERT_TRUE(outcome) << outcome.error().message;
    ASSERT_EQ(controller->get()->state, wanted);
    if (outcome->changes.empty()) continue;
    EXPECT_EQ(outcome->revision, before->revision + 1);
    past[outcome->revision] = wanted;
    whole_writes += std::filesystem::file_size(rig.journal_file()) <= bytes ? 1 : 0;
    // Another life goes on where the one before ended.
    if (i % 20 != 19) continue;
    controller = &rig.start();
    ASSERT_EQ(controller->get()->state, wanted);
    ASSERT_EQ(controller->get()->revision, outcome->revision);
  }
  EXPECT_EQ(whole_writes, 0u) << "an edit costs an edit, after a restart too";
  for (const auto& [revision, state] : past) {
    const auto found = controller->state_at(revision);
    ASSERT_TRUE(found) << revision << ": " << found.error().message;
    EXPECT_EQ(found->state, state) << "revision " << revision;
  }
}

// What is no service, but belongs to the state as well.
DesiredState with_everything(DesiredState state) {
  state.timeouts.values[0] = Milliseconds(1000);
  state.sysctls.sloppy_tcp = true;
  state.local_addresses = {{"pool", {*IpAddress::parse("10.1.9.1")}, ""}};
  state.access_lists = {{"abusers", {*Prefix::parse("203.0.113.0/24")}}};
  return state;
}

TEST(ControllerEdits, LeaveWhatIsNoServiceAsItIs) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller* controller = &rig.start();
  const DesiredState whole = with_everything(controller->get()->state);
  ASSERT_TRUE(controller->apply(whole, 0, false));
  DesiredState part = whole;
  part.services.clear();
  EXPECT_EQ(controller->part({})->state, part);
  EXPECT_EQ(controller->part({"dns", "nobody"})->state, whole);
  Service dns = whole.services[0];
  dns.reals[0].weight = 9;
  ASSERT_TRUE(controller->edit({{}, {dns}}, 0, false));
  // A way back that had forgotten some of it would take it away.
  EXPECT_EQ(controller->state_at(2)->state, whole);
  DesiredState expected = whole;
  expected.services[0] = dns;
  EXPECT_EQ(controller->get()->state, expected);
  EXPECT_EQ(rig.start().get()->state, expected);
}

TEST(ControllerEdits, ReachTheAccessOfAService) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState state = controller.get()->state;
  state.access_lists = {{"clients", {*Prefix::parse("10.1.200.0/24")}}};
  ASSERT_TRUE(controller.apply(state, 0, false));
  EXPECT_NE(rig.real_of(40001), "");
  Service dns = state.services[0];
  dns.access.emplace();
  dns.access->deny_lists = {"clients"};
  ASSERT_TRUE(controller.edit({{}, {dns}}, 0, false));
  EXPECT_EQ(rig.real_of(40002), "");
  dns.reals[0].weight = 9;
  ASSERT_TRUE(controller.edit({{}, {dns}}, 0, false));
  EXPECT_EQ(rig.real_of(40003), "") << "an edit of something else leaves it";
  dns.access.reset();
  ASSERT_TRUE(controller.edit({{}, {dns}}, 0, false));
  EXPECT_NE(rig.real_of(40004), "");
  // One that comes with access.
  Service other = service_at("other", "10.9.9.8", {real_at("10.1.0.1")});
  other.access.emplace();
  other.access->deny = {*Prefix::parse("10.1.200.0/24")};
  ASSERT_TRUE(controller.edit({{}, {other}}, 0, false));
  EXPECT_EQ(rig.real_of(40005, *IpAddress::parse("10.1.200.7"), *IpAddress::parse("10.9.9.8")), "");
}

TEST(ControllerEdits, SayWhatTheyChangeAndRefuseTheOvertaken) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  const int hooks = rig.desired_changes();
  Service dns = controller.get()->state.services[0];
  dns.reals[1].weight = 5;
  const auto dry = controller.edit({{}, {dns}}, 1, true);
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->changes.at(0).details, (std::vector<std::string>{"weight: 1 -> 5"}));
  EXPECT_EQ(controller.get()->revision, 1u);
  ASSERT_TRUE(controller.edit({{}, {dns}}, 1, false));
  EXPECT_EQ(rig.desired_changes(), hooks) << "checks and addresses do not follow weights";
  const auto late = controller.edit({{}, {dns}}, 1, false);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_THAT(late.error().message, testing::HasSubstr("the current one is 2"));
  EXPECT_TRUE(controller.edit({{}, {dns}}, 2, false)->changes.empty());
  dns.reals.push_back(real_at("10.1.0.3"));
  ASSERT_TRUE(controller.edit({{}, {dns}}, 0, false));
  EXPECT_EQ(rig.desired_changes(), hooks + 1);
  // A drain that an edit asks for is an override, as everywhere.
  dns.reals[0].weight = 0;
  dns.reals[0].weight_before_drain = 1;
  ASSERT_TRUE(controller.edit({{}, {dns}}, 0, false));
  EXPECT_EQ(controller.overrides()->size(), 1u);
  EXPECT_EQ(controller.get()->state.services[0].reals[0].weight, 1u);
}

TEST(ControllerEdits, OneThatCannotBeKeptChangesNothing) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  Service dns = controller.get()->state.services[0];
  dns.reals[1].weight = 5;
  std::filesystem::remove(rig.journal_file());
  const auto outcome = controller.edit({{}, {dns}}, 0, false);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(controller.get()->revision, 1u);
  EXPECT_EQ(controller.get()->state.services[0].reals[1].weight, 1u);
  EXPECT_EQ(controller.history()->revisions.front().revision, 1u);
}

}  // namespace
}  // namespace shunt::control
