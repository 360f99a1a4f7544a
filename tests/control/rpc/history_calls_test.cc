// The past as a client of the socket sees it.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/control/rpc/api_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using testing::HasSubstr;

TEST(HistoryCalls, ARollbackIsANewRevisionAndNamesItself) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  const v1::DesiredState first = api.get().state();
  v1::ApplyRequest apply;
  *apply.mutable_state() = first;
  apply.mutable_state()->mutable_services(0)->mutable_reals(0)->set_weight(5);
  v1::ApplyResponse applied;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Apply, apply, applied).ok());

  v1::RollbackRequest back;
  back.set_revision(1);
  back.set_dry_run(true);
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Rollback, back, applied).ok());
  EXPECT_EQ(applied.revision(), 2U);
  ASSERT_EQ(applied.changes_size(), 1);
  EXPECT_EQ(applied.changes(0).details(0), "weight: 5 -> 1");
  back.set_dry_run(false);
  back.set_expected_revision(1);
  EXPECT_EQ(api.call(&v1::Shunt::Stub::Rollback, back, applied).error_code(), grpc::StatusCode::ABORTED);
  back.set_expected_revision(2);
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Rollback, back, applied).ok());
  EXPECT_EQ(applied.revision(), 3U);
  EXPECT_EQ(api.get().state().SerializeAsString(), first.SerializeAsString());

  v1::HistoryResponse history;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::History, v1::HistoryRequest(), history).ok());
  EXPECT_EQ(history.revision(), 3U);
  ASSERT_EQ(history.revisions_size(), 3);
  EXPECT_EQ(history.revisions(0).origin(), v1::ORIGIN_ROLLBACK);
  EXPECT_EQ(history.revisions(0).what(), "rollback to revision 1");
  EXPECT_EQ(history.revisions(1).origin(), v1::ORIGIN_API);
  EXPECT_THAT(history.revisions(1).who(), HasSubstr("(uid " + std::to_string(getuid()) + ", pid " + std::to_string(getpid()) + ")"));
  EXPECT_TRUE(history.revisions(2).restorable());

  v1::GetRevisionRequest one;
  one.set_revision(2);
  one.set_with_state(true);
  v1::GetRevisionResponse shown;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::GetRevision, one, shown).ok());
  EXPECT_EQ(shown.revision().changes(0).details(0), "weight: 1 -> 5");
  EXPECT_EQ(shown.state().services(0).reals(0).weight(), 5U);
  one.set_revision(9);
  EXPECT_EQ(api.call(&v1::Shunt::Stub::GetRevision, one, shown).error_code(), grpc::StatusCode::NOT_FOUND);
  back.set_revision(9);
  EXPECT_EQ(api.call(&v1::Shunt::Stub::Rollback, back, applied).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace shunt::control::rpc
