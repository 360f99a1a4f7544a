// history and rollback, as a person reads them.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;
using testing::Not;

FakeDaemon& with_history(FakeDaemon& daemon) {
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(revision: 9
         revisions { revision: 9 time { seconds: 1780000000 } origin: ORIGIN_ROLLBACK who: "ops at 192.0.2.7:40112"
           what: "rollback to revision 7" change_count: 1 changes { kind: KIND_REMOVED subject: "service web" }
           restorable: true }
         revisions { revision: 8 time { seconds: 1780000000 } origin: ORIGIN_API who: "unix socket" what: "apply"
           change_count: 20 changes { subject: "service a" } changes { subject: "service b" }
           changes { subject: "service c" } changes { subject: "service d" } restorable: true }
         revisions { revision: 7 time { seconds: 1780000000 } origin: ORIGIN_FILE what: "start" })",
      &daemon.history));
  return daemon;
}

TEST(History, IsATableWithTheCurrentOneAndTheLostOnesMarked) {
  FakeDaemon daemon;
  const Ended ended = with_history(daemon).ctl({"history"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("9*"));
  EXPECT_THAT(ended.out, HasSubstr("ops at 192.0.2.7:40112  rollback to revision 7  1 change: service web\n"));
  EXPECT_THAT(ended.out, HasSubstr("20 changes: service a, service b, service c, ...\n"));
  EXPECT_THAT(ended.out, HasSubstr("7!"));
  EXPECT_THAT(ended.out, HasSubstr("no rollback leads there"));
  EXPECT_EQ(daemon.asked_history.limit(), 20U);
  EXPECT_EQ(daemon.ctl({"history", "--limit", "3", "-o", "json"}).exit, 0);
  EXPECT_EQ(daemon.asked_history.limit(), 3U);
}

TEST(History, ShowTellsARevisionsChangesOrItsState) {
  FakeDaemon daemon;
  *daemon.revision.mutable_revision() = with_history(daemon).history.revisions(0);
  daemon.revision.mutable_state()->add_services()->set_name("web");
  const Ended ended = daemon.ctl({"history", "show", "9"});
  EXPECT_EQ(daemon.asked_revision.revision(), 9U);
  EXPECT_FALSE(daemon.asked_revision.with_state());
  EXPECT_THAT(ended.out, HasSubstr("# revision 9, "));
  EXPECT_THAT(ended.out, HasSubstr("by rollback, ops at 192.0.2.7:40112, rollback to revision 7\n- service web\n"));
  const Ended state = daemon.ctl({"history", "show", "9", "--state"});
  EXPECT_TRUE(daemon.asked_revision.with_state());
  EXPECT_THAT(state.out, HasSubstr("name: web"));
  EXPECT_THAT(state.out, Not(HasSubstr("- service web")));
}

TEST(Rollback, AsksForTheRevisionAndShowsTheChanges) {
  FakeDaemon daemon;
  daemon.applied.set_revision(10);
  daemon.applied.add_changes()->set_subject("service web");
  const Ended ended = daemon.ctl({"rollback", "7", "--dry-run", "--expect-revision", "9"});
  EXPECT_EQ(daemon.asked_rollback.revision(), 7U);
  EXPECT_EQ(daemon.asked_rollback.expected_revision(), 9U);
  EXPECT_TRUE(daemon.asked_rollback.dry_run());
  EXPECT_THAT(ended.out, HasSubstr("service web"));
  EXPECT_THAT(ended.out, HasSubstr("dry run"));
  daemon.refuse = {grpc::StatusCode::NOT_FOUND, "revision 2: is not in the history"};
  EXPECT_EQ(daemon.ctl({"rollback", "2"}).exit, 4);
}

}  // namespace
}  // namespace shunt::shuntctl
