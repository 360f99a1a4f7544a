#include "dataplane/setup/publisher.h"

#include <rte_malloc.h>

#include <chrono>
#include <thread>

namespace shunt::dataplane {

Result<std::unique_ptr<Publisher>> Publisher::create(uint32_t workers) {
  const size_t bytes = rte_rcu_qsbr_get_memsize(workers);
  auto* grace = static_cast<rte_rcu_qsbr*>(rte_zmalloc("grace", bytes, RTE_CACHE_LINE_SIZE));
  if (grace == nullptr || rte_rcu_qsbr_init(grace, workers) != 0) {
    rte_free(grace);
    return Error{ErrorCode::kNoMemory, "snapshots: no memory for the workers' quiescent states; raise dpdk.memory_mb"};
  }
  for (uint32_t worker = 0; worker < workers; ++worker) rte_rcu_qsbr_thread_register(grace, worker);
  return std::unique_ptr<Publisher>(new Publisher(grace));
}

Publisher::~Publisher() {
  delete current_.load();
  rte_free(grace_);
}

void Publisher::publish(std::unique_ptr<const Snapshot> snapshot) {
  const std::lock_guard lock(one_at_a_time_);
  const std::unique_ptr<const Snapshot> before(current_.exchange(snapshot.release(), std::memory_order_acq_rel));
  const uint64_t token = rte_rcu_qsbr_start(grace_);
  // A worker under load answers within microseconds; one that sleeps, within its sleep.
  for (int tries = 0; rte_rcu_qsbr_check(grace_, token, false) == 0; ++tries) {
    if (tries < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
}

}  // namespace shunt::dataplane
