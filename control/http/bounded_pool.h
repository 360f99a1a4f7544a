// Threads for the HTTP listener: so many requests at a time, so many more may wait, all others wait
// in the kernel's queue, which drops what is too much. Its threads yield to the control thread,
// with which they share a CPU.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shunt::control::http {

class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool(size_t threads, size_t waiting);

  // Waits while too many wait: the caller is the thread that accepts connections.
  void enqueue(std::function<void()> task) override;
  // Ends the threads once what was enqueued is done.
  void shutdown() override;

 private:
  void work();

  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable taken_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace shunt::control::http
