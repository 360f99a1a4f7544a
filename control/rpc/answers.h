// Answers to changes that carried a key, so that one that is asked again is not made again. Any thread.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {

class Answers {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kKept{10};
  static constexpr size_t kMaxKeyBytes = 128;
  // Beyond either the oldest go; one answer may be larger alone.
  static constexpr size_t kMaxAnswers = 1000;
  static constexpr size_t kMaxBytes = 64 << 20;

  explicit Answers(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}

  // Without a key, `work`. With one: what an earlier `work` of this key answered, waiting for its end; only success is
  // kept. INVALID_ARGUMENT when that was for another `request`, or the key is too long.
  grpc::Status once(const std::string& key, const google::protobuf::Message& request, v1::ApplyResponse* response,
                    const std::function<grpc::Status(v1::ApplyResponse*)>& work);

 private:
  struct Answer {
    std::string key;
    // Its type and bytes.
    std::string request;
    bool is_done = false;
    Clock::time_point time;
    v1::ApplyResponse response;
    size_t bytes = 0;
  };
  using Place = std::list<std::shared_ptr<Answer>>::iterator;

  void forget(Place place);
  void forget_old();

  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  std::condition_variable done_;
  // Oldest first.
  std::list<std::shared_ptr<Answer>> answers_;
  std::map<std::string, Place> by_key_;
  size_t bytes_ = 0;
};

}  // namespace shunt::control::rpc
