// The controller's past: what is listed, and what can be brought back, through restarts, kills and damage.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "control/controller.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint64_t> listed(Controller& controller) {
  std::vector<uint64_t> result;
  const auto history = controller.history();
  for (const Revision& each : history->revisions) result.push_back(each.revision);
  return result;
}

// Applies a state with this one weight.
void apply_weight(Controller& controller, uint32_t weight) {
  DesiredState state = controller.get()->state;
  state.services[0].reals[0].weight = weight;
  const CauseScope because({Origin::kApi, "tester", "apply"});
  ASSERT_TRUE(controller.apply(std::move(state), 0, false));
}

uint32_t weight_in(const DesiredState& state) { return state.services.at(0).reals.at(0).weight; }

TEST(ControllerHistory, TellsWhoAndWhatAndBringsEachStateBack) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  apply_weight(controller, 5);
  apply_weight(controller, 6);
  const auto history = controller.history();
  ASSERT_TRUE(history);
  EXPECT_EQ(history->current, 3u);
  ASSERT_THAT(listed(controller), ElementsAre(3, 2, 1));
  EXPECT_EQ(history->revisions[0].cause, (Cause{Origin::kApi, "tester", "apply"}));
  EXPECT_EQ(history->revisions[0].changes[0].details, (std::vector<std::string>{"weight: 5 -> 6"}));
  EXPECT_EQ(history->revisions[2].cause.origin, Origin::kFile);
  EXPECT_EQ(history->oldest_restorable, 1u);

  EXPECT_EQ(weight_in(controller.state_at(2)->state), 5u);
  EXPECT_EQ(controller.state_at(1)->state, rig.options.file.state);
  EXPECT_EQ(controller.state_at(3)->state, controller.get()->state);
  EXPECT_EQ(controller.state_at(4).error().code, ErrorCode::kNotFound);

  // A change refused by the journal leaves no revision behind.
  EXPECT_FALSE(controller.apply(controller.state_at(1)->state, 2, false));
  ASSERT_TRUE(controller.apply(controller.state_at(1)->state, 3, false));
  EXPECT_EQ(controller.get()->state, rig.options.file.state);
  EXPECT_THAT(listed(controller), ElementsAre(4, 3, 2, 1));
}

TEST(ControllerHistory, SurvivesARestartAndKnowsTheFilesPart) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  apply_weight(rig.start(), 5);
  EXPECT_THAT(listed(rig.start()), ElementsAre(2, 1));
  // The file changed in between.
  rig.options.file.state.services[0].reals.pop_back();
  rig.options.file.content_hash = 8;
  Controller& controller = rig.start();
  ASSERT_THAT(listed(controller), ElementsAre(3, 2, 1));
  EXPECT_EQ(controller.history()->revisions[0].cause.origin, Origin::kFile);
  EXPECT_EQ(weight_in(controller.state_at(2)->state), 5u);
  EXPECT_EQ(controller.state_at(1)->state.services[0].reals.size(), 2u);
}

// Two overrides, then another file, and perhaps nothing left of the overrides.
void expect_a_new_revision(bool is_damaged) {
  ControllerRig rig;
  Controller& before = rig.start();
  ASSERT_TRUE(before.set_weight("dns", "10.1.0.1:53", 5, 0));
  ASSERT_TRUE(before.set_weight("dns", "10.1.0.1:53", 6, 0));
  ASSERT_EQ(before.get()->revision, 3u);
  before.stop();
  if (is_damaged) std::ofstream(rig.directory + "/overrides.json") << "{";
  rig.options.file.state.services[0].reals.pop_back();
  rig.options.file.content_hash = 8;
  Controller& controller = rig.start();
  EXPECT_EQ(controller.get()->revision, 4u);
  EXPECT_THAT(listed(controller), ElementsAre(4, 3, 2, 1));
  EXPECT_EQ(controller.history()->revisions[0].cause.origin, Origin::kFile);
  EXPECT_EQ(controller.state_at(1)->state.services[0].reals.size(), 2u);
  EXPECT_EQ(controller.state_at(4)->state.services[0].reals.size(), 1u);
  EXPECT_EQ(rig.start().get()->revision, 4u);
}

TEST(ControllerHistory, NoRevisionIsUsedTwiceWhereOverridesWentBeyondTheJournal) {
  if (test::ran_in_own_process()) return;
  expect_a_new_revision(false);
}

TEST(ControllerHistory, NoRevisionIsUsedTwiceWhereTheOverridesAreLost) {
  if (test::ran_in_own_process()) return;
  expect_a_new_revision(true);
}

TEST(ControllerHistory, ManyChangesAreListedInPartAndShownInFull) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState state = controller.get()->state;
  for (int i = 0; i < 40; ++i) {
    state.services.push_back(service_at("s" + std::to_string(i), "10.9.8." + std::to_string(i + 1), {real_at("10.1.0.1")}));
  }
  ASSERT_TRUE(controller.apply(state, 0, false));
  const Revision newest = controller.history()->revisions[0];
  EXPECT_EQ(newest.change_count, 40u);
  EXPECT_EQ(newest.changes.size(), History::kChangesListed);
  EXPECT_EQ(controller.past_revision(2)->changes.size(), 40u);
}

TEST(ControllerHistory, DamageIsAProblemAndHoldsNothingUp) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  apply_weight(rig.start(), 5);
  apply_weight(rig.start(), 6);
  std::ofstream(rig.directory + "/history/revision-00000000000000000002") << "rubbish";
  Controller& controller = rig.start();
  EXPECT_EQ(weight_in(controller.get()->state), 6u);
  EXPECT_THAT(controller.status()->problems, testing::Contains(HasSubstr("revision-00000000000000000002")));
  EXPECT_THAT(listed(controller), ElementsAre(3, 1));
  EXPECT_EQ(controller.history()->oldest_restorable, 3u);
  EXPECT_FALSE(controller.state_at(1));
  apply_weight(controller, 7);
  EXPECT_EQ(weight_in(controller.state_at(3)->state), 6u);
}

TEST(ControllerHistory, AfterADamagedJournalRevisionsGoOn) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  apply_weight(rig.start(), 5);
  rig.controller().stop();
  std::ofstream(rig.journal_file()) << "rubbish";
  Controller& controller = rig.start();
  EXPECT_EQ(controller.history()->current, 3u);
  EXPECT_THAT(listed(controller), ElementsAre(3, 2, 1));
  // How the state was between the two, nobody knows.
  EXPECT_FALSE(controller.state_at(2));
  EXPECT_TRUE(controller.state_at(3));
}

TEST(ControllerHistory, OneThatCannotBeWrittenHoldsNoChangeUp) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  std::filesystem::remove_all(rig.directory + "/history");
  std::ofstream(rig.directory + "/history") << "in the way";
  apply_weight(controller, 5);
  EXPECT_EQ(weight_in(controller.get()->state), 5u);
  EXPECT_THAT(controller.status()->problems, testing::Contains(HasSubstr("history")));
  std::filesystem::remove(rig.directory + "/history");
  std::filesystem::create_directory(rig.directory + "/history");
  apply_weight(controller, 6);
  EXPECT_THAT(controller.status()->problems, testing::Not(testing::Contains(HasSubstr("history"))));
  EXPECT_FALSE(controller.state_at(1));
  EXPECT_TRUE(controller.state_at(3));
}

}  // namespace
}  // namespace shunt::control
