#include "control/http/bounded_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace shunt::control::http {
namespace {

constexpr int kNice = 10;

}  // namespace

BoundedPool::BoundedPool(size_t threads, size_t waiting) : limit_(waiting) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void BoundedPool::enqueue(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  taken_.wait(lock, [this] { return tasks_.size() < limit_ || ending_; });
  tasks_.push_back(std::move(task));
  lock.unlock();
  filled_.notify_one();
}

void BoundedPool::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  filled_.notify_all();
  taken_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BoundedPool::work() {
  pthread_setname_np(pthread_self(), "shunt-http");
  // Linux's niceness is each thread's own.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return !tasks_.empty() || ending_; });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    taken_.notify_one();
    task();
  }
}

}  // namespace shunt::control::http
