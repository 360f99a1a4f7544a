// Edits as a client of the socket sees them.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/control/rpc/api_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

v1::EditRequest adding(const std::string& address) {
  v1::EditRequest request;
  auto& add = *request.add_edits()->mutable_add_real();
  add.set_service("dns");
  add.mutable_real()->set_address(address);
  return request;
}

TEST(EditCalls, ABatchIsOneRevisionOrNothing) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::EditRequest request = adding("10.1.0.3");
  request.add_edits()->mutable_remove_real()->set_service("dns");
  v1::ApplyResponse response;
  const grpc::Status refused = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(details_in(refused).at(0).field(), "edits[1].remove_real.real");
  EXPECT_EQ(api.get().revision(), 1U);
  request.mutable_edits(1)->mutable_remove_real()->set_real("10.1.0.1:53");
  request.set_expected_revision(1);
  request.set_dry_run(true);
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  EXPECT_EQ(api.get().revision(), 1U);
  request.set_dry_run(false);
  request.set_idempotency_key("once");
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  EXPECT_EQ(response.revision(), 2U);
  EXPECT_EQ(response.changes_size(), 2);
  v1::ApplyResponse again;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, again).ok());
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(api.get().revision(), 2U);
  request.clear_idempotency_key();
  const grpc::Status late = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(late.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(details_in(late).at(0).reason(), "REVISION_CONFLICT");
  v1::HistoryResponse history;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::History, v1::HistoryRequest(), history).ok());
  EXPECT_EQ(history.revisions(0).what(), "add real dns/10.1.0.3, remove real dns/10.1.0.1:53");
}

TEST(EditCalls, ProblemsHaveTheEditsFields) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::EditRequest request = adding("10.1.0.3");
  request.mutable_edits(0)->mutable_add_real()->mutable_real()->set_weight(70000);
  v1::ApplyResponse response;
  const grpc::Status refused = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(details_in(refused).at(0).field(), "edits[0].add_real.real.weight");
  EXPECT_EQ(details_in(refused).at(0).reason(), "OUT_OF_RANGE");
}

TEST(EditCalls, OfTwoWritersOneWinsAndFreeOnesAllCount) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  constexpr int kWriters = 6;
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      v1::EditRequest request = adding("10.1.1." + std::to_string(i + 1));
      request.set_expected_revision(1);
      v1::ApplyResponse response;
      const grpc::Status status = api.call(&v1::Shunt::Stub::Edit, request, response);
      ++(status.ok() ? won : lost);
      if (status.ok()) return;
      EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
      EXPECT_THAT(status.error_message(), testing::HasSubstr("the current one is "));
      request.clear_expected_revision();
      EXPECT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kWriters - 1);
  EXPECT_EQ(api.get().state().services(0).reals_size(), 2 + kWriters);
}

}  // namespace
}  // namespace shunt::control::rpc
