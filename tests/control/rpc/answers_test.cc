#include "control/rpc/answers.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

namespace shunt::control::rpc {
namespace {

v1::ApplyRequest request_for(uint64_t revision) {
  v1::ApplyRequest request;
  request.set_expected_revision(revision);
  return request;
}

TEST(Answers, AKeysSuccessIsAnsweredAgainAndAFailureTriedAgain) {
  Answers::Clock::time_point now{};
  Answers answers([&now] { return now; });
  int calls = 0;
  bool fails = true;
  const auto ask = [&](const std::string& key, uint64_t revision) {
    v1::ApplyResponse response;
    const grpc::Status status = answers.once(key, request_for(revision), &response, [&](v1::ApplyResponse* out) {
      out->set_revision(static_cast<uint64_t>(++calls));
      return fails ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "") : grpc::Status::OK;
    });
    return status.ok() ? static_cast<int>(response.revision()) : -static_cast<int>(status.error_code());
  };
  EXPECT_EQ(ask("k", 1), -static_cast<int>(grpc::StatusCode::UNAVAILABLE));
  fails = false;
  EXPECT_EQ(ask("k", 1), 2);
  EXPECT_EQ(ask("k", 1), 2);
  EXPECT_EQ(ask("k", 7), -static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT)) << "another request";
  EXPECT_EQ(ask("", 1), 3);
  EXPECT_EQ(ask("", 1), 4);
  EXPECT_EQ(ask(std::string(Answers::kMaxKeyBytes + 1, 'k'), 1), -static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  now += Answers::kKept + std::chrono::seconds(1);
  EXPECT_EQ(ask("k", 1), 5);
  for (size_t i = 0; i <= Answers::kMaxAnswers; ++i) ask("k" + std::to_string(i), 1);
  const int before = calls;
  EXPECT_EQ(ask("k", 1), before + 1) << "the oldest is forgotten";
}

TEST(Answers, WhoAsksMeanwhileWaitsForTheFirst) {
  Answers answers;
  std::atomic<int> calls = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      v1::ApplyResponse response;
      EXPECT_TRUE(answers.once("k", request_for(1), &response, [&](v1::ApplyResponse* out) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        out->set_revision(static_cast<uint64_t>(++calls));
        return grpc::Status::OK;
      }).ok());
      EXPECT_EQ(response.revision(), 1U);
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace shunt::control::rpc
