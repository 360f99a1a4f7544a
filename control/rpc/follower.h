// Clients of endless streams, each of which holds one of gRPC's threads: no more than there is place for. Any thread.
#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <string>

namespace shunt::control::rpc {

// Counted as long as it lives.
class Follower {
 public:
  static constexpr int kMost = 64;

  explicit Follower(std::atomic<int>& count) : count_(count), place_(++count) {}
  ~Follower() { --count_; }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // OK, or RESOURCE_EXHAUSTED.
  grpc::Status admission() const {
    if (place_ <= kMost) return grpc::Status::OK;
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "streams: " + std::to_string(kMost) + " clients follow events or figures already; end one, or ask without following"};
  }

 private:
  std::atomic<int>& count_;
  const int place_;
};

}  // namespace shunt::control::rpc
