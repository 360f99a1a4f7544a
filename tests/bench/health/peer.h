// What the benchmark's checks ask: one thread that takes connections, and answers requests with 200.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace shunt::bench {

class HttpPeer {
 public:
  // On all loopback addresses, on a port of Linux's choice.
  HttpPeer();
  ~HttpPeer();
  uint16_t port() const noexcept { return port_; }
  // Answers given.
  uint64_t answered() const noexcept { return answered_.load(std::memory_order_relaxed); }

 private:
  void serve();
  bool accept_one();
  void answer(int connection);

  int listener_ = -1;
  int epoll_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> answered_ = 0;
  std::thread thread_;
};

}  // namespace shunt::bench
