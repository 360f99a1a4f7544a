// Swaps the snapshot that workers read and frees the one before when none can hold it (rte_rcu_qsbr). Owner: control;
// publish() may be called from any of its threads.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "dataplane/snapshot.h"
#include "src/base/result.h"

namespace shunt::dataplane {

class Publisher {
 public:
  // Starts with an empty snapshot. kNoMemory. REQUIRES EAL; workers report by their index, 0..workers-1.
  static Result<std::unique_ptr<Publisher>> create(uint32_t workers);
  // REQUIRES: no worker runs any more.
  ~Publisher();
  Publisher(const Publisher&) = delete;

  // Waits for every worker's quiescent state, yielding the CPU to workers that share it.
  void publish(std::unique_ptr<const Snapshot> snapshot);

  const std::atomic<const Snapshot*>* current() const noexcept { return &current_; }
  rte_rcu_qsbr* grace() const noexcept { return grace_; }

 private:
  explicit Publisher(rte_rcu_qsbr* grace) : current_(new Snapshot), grace_(grace) {}

  std::mutex one_at_a_time_;
  alignas(64) std::atomic<const Snapshot*> current_;
  rte_rcu_qsbr* grace_;
};

}  // namespace shunt::dataplane
