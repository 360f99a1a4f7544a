// How a new connection gets its real. A scheduler is one file in this folder and one line in registry.cc; it gives
// a pure choice: nothing here forwards, counts or logs.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/counters.h"
#include "dataplane/snapshot.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// What a scheduler remembers between picks, per worker and service. All zero at a service's start will do, too.
struct Cursor {
  // The service generation that `position` speaks of; on a change a scheduler finds its place again by `last`.
  uint32_t generation = 0;
  uint32_t position = 0;
  RealId last = kNoReal;
  // wrr: the weight that a real must have now, where that starts again from, and by how much it falls.
  uint32_t weight = 0;
  uint32_t top = 0;
  uint32_t step = 0;
};

// Connections on a real, of the whole node: this worker's own, live, and the others' as control last summed them.
class Loads {
 public:
  Loads(const RealCounters* own, const std::atomic<uint64_t>* others) noexcept : own_(own), others_(others) {}

  // IPVS's overhead: active * 256 + inactive (include/net/ip_vs.h ip_vs_dest_conn_overhead).
  uint64_t overhead(RealId real) const noexcept {
    const RealCounters& own = own_[real.index];
    return uint64_t{own.active.load(std::memory_order_relaxed)} * 256 +
           own.inactive.load(std::memory_order_relaxed) +
           (others_ ? others_[real.index].load(std::memory_order_relaxed) : 0);
  }

 private:
  const RealCounters* own_;
  const std::atomic<uint64_t>* others_;
};

// All that a pick may look at.
struct PickContext {
  const ServiceEntry& service;
  const FlowKey& flow;  // of the request
  const Loads& loads;
  Cursor& cursor;
};

struct Scheduler {
  SchedulerKind kind;
  // The real for a new connection, or kNoReal. Worker only.
  RealId (*pick)(const PickContext&) noexcept;
  // For schedulers whose answer depends only on the packet and the reals (nullptr otherwise): how many slots their
  // table has, and filling it, both on the control thread. A slot holds an index into `candidates`. `scratch`
  // has kScratchPerCandidate words for each candidate. Such a scheduler also forwards without a connection.
  uint32_t (*slots_wanted)(std::span<const Candidate> candidates) noexcept;
  void (*fill)(std::span<const Candidate> candidates, std::span<const RealEntry> reals, std::span<uint32_t> slots,
               std::span<uint32_t> scratch) noexcept;

  static constexpr uint32_t kScratchPerCandidate = 4;
  bool is_stateless() const noexcept { return fill != nullptr; }
};

// Any thread.
const Scheduler& scheduler_for(SchedulerKind kind) noexcept;

}  // namespace shunt::dataplane
