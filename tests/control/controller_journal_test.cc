// What a controller begins with, and where it keeps what it has; each test in a process of its own.
#include "control/controller.h"

#include <gmock/gmock.h>

#include <fstream>
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

TEST(ControllerJournal, FirstStartTakesTheFilesServices) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  const auto current = controller.get();
  ASSERT_TRUE(current);
  EXPECT_EQ(current->revision, 1u);
  EXPECT_EQ(current->state, rig.options.file.state);
  EXPECT_TRUE(std::filesystem::exists(rig.journal_file()));
  EXPECT_TRUE(within(seconds(2), [&] { return rig.desired_changes() == 1; }));
  EXPECT_TRUE(rig.sees_event("applied revision 1"));
}

TEST(ControllerJournal, TheJournalWinsUntilTheFileChanges) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  const auto weighing = [](uint32_t weight) { return state_with({real_at("10.1.0.1", weight), real_at("10.1.0.2")}); };
  ASSERT_TRUE(rig.start().apply(weighing(9), 0, false));
  {
    const auto restored = rig.start().get();
    EXPECT_EQ(restored->revision, 2u);
    EXPECT_EQ(restored->state.services[0].reals[0].weight, 9u);
  }
  for (uint32_t weight = 20; weight < 23; ++weight) {
    ASSERT_TRUE(rig.start().apply(weighing(weight), 0, false));
    ASSERT_TRUE(rig.controller().apply(weighing(9), 0, false));
  }
  const uint64_t revision = rig.start().get()->revision;
  EXPECT_EQ(revision, 2u + 3 * 2);
  // Another content, the same services as the journal's: no new revision, the journal follows.
  rig.options.file.state.services[0].reals[0].weight = 9;
  rig.options.file.content_hash = 8;
  EXPECT_EQ(rig.start().get()->revision, revision);
  rig.options.file.state.services[0].reals[0].weight = 4;
  rig.options.file.content_hash = 9;
  const auto changed = rig.start().get();
  EXPECT_EQ(changed->revision, revision + 1);
  EXPECT_EQ(changed->state.services[0].reals[0].weight, 4u);
}

TEST(ControllerJournal, ARereadFileIsKnownAfterARestart) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  {
    Controller& controller = rig.start();
    rig.options.file.state.services[0].reals[0].weight = 4;
    rig.options.file.content_hash = 8;
    ASSERT_TRUE(controller.reload(rig.options.file));
    EXPECT_EQ(controller.get()->state.services[0].reals[0].weight, 4u);
    ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1", 9), real_at("10.1.0.2")}), 0, false));
    // The file was edited back to what runs: nothing changes but what the journal knows.
    rig.options.file.state.services[0].reals[0].weight = 9;
    rig.options.file.content_hash = 10;
    EXPECT_TRUE(controller.reload(rig.options.file)->changes.empty());
    ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1", 11), real_at("10.1.0.2")}), 0, false));
  }
  EXPECT_EQ(rig.start().get()->state.services[0].reals[0].weight, 11u) << "the journal, since the file is known";
}

TEST(ControllerJournal, ADamagedJournalIsKeptAsideAndTold) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  ASSERT_TRUE(rig.start().set_weight("dns", "10.1.0.1:53", 9, 0));
  rig.start().stop();
  std::fstream(rig.journal_file(), std::ios::in | std::ios::out).seekp(20).put('x');
  Controller& controller = rig.start();
  EXPECT_EQ(controller.get()->state, rig.options.file.state);
  EXPECT_THAT(controller.status()->problems, Contains(AllOf(HasSubstr("journal"), HasSubstr(".damaged-"))));
  EXPECT_THAT(rig.events(), Contains("journal journal"));
}

TEST(ControllerJournal, AJournalThatIsNoStateIsKeptAside) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  rig.start().stop();
  rig.options.codec.decode = [](const std::string&) -> Result<DesiredState> {
    return Error{ErrorCode::kInvalid, "nonsense"};
  };
  Controller& controller = rig.start();
  EXPECT_THAT(controller.status()->problems, Contains(AllOf(HasSubstr("nonsense"), HasSubstr(".damaged-"))));
  // Revisions go on, so that nobody takes the new state for the old one.
  EXPECT_EQ(controller.get()->revision, 2u);
}

TEST(ControllerJournal, AJournalThatCannotBeWrittenRefusesTheChange) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  // Writes fail by an obstacle in the new file's place.
  const std::string obstacle = rig.journal_file() + ".new";
  const std::string other_obstacle = rig.directory + "/overrides.json.new";
  std::filesystem::create_directory(obstacle);
  std::filesystem::create_directory(other_obstacle);
  const auto applied = controller.apply(state_with({}), 0, false);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message, HasSubstr("journal"));
  const auto weighed = controller.set_weight("dns", "10.1.0.1:53", 50, 0);
  ASSERT_FALSE(weighed);
  EXPECT_EQ(controller.get()->state, rig.options.file.state);
  EXPECT_THAT(weighed.error().message, HasSubstr("overrides"));
  EXPECT_EQ(rig.real(0).weight, 1u);
  EXPECT_EQ(controller.get()->revision, 1u);
  EXPECT_THAT(controller.status()->problems, AllOf(Contains(HasSubstr("journal ")), Contains(HasSubstr("overrides "))));
  std::filesystem::remove(obstacle);
  std::filesystem::remove(other_obstacle);
  ASSERT_TRUE(controller.set_weight("dns", "10.1.0.1:53", 50, 0));
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.3")}), 0, false));
  EXPECT_THAT(controller.status()->problems, Not(Contains(HasSubstr("overrides"))));
  EXPECT_THAT(controller.status()->problems, Not(Contains(HasSubstr("journal"))));
}

}  // namespace
}  // namespace shunt::control
