// How a new connection gets its real. A scheduler is one file in this folder and one line in registry.cc; it gives
// a pure choice: nothing here forwards, counts or logs.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/counters.h"
#include "dataplane/schedulers/loads.h"
#include "dataplane/snapshot.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// What a scheduler remembers between picks, per worker and service. All zero at a service's start will do, too.
struct Cursor {
  // ServiceEntry::round that the rest speaks of.
  uint32_t round = 0;
  // Where in its first round the worker begins, in parts of 2^32: workers that all began at the first real would together
  // favour it.
  uint32_t first = 0;
  // The service generation that `position` speaks of; on a change a scheduler finds its place again by `last`. 0:
  // nothing was picked yet, and `position` is `first`.
  uint32_t generation = 0;
  uint32_t position = 0;
  RealId last = kNoReal;
  // wrr: the weight that a real must have now, where that starts again from, and by how much it falls.
  uint32_t weight = 0;
  uint32_t top = 0;
  uint32_t step = 0;
  // twos: where its random numbers are; 0: not begun.
  uint64_t random = 0;
};

// A cursor that another service, or another scheduler of this one, left behind is as good as none.
inline void forget_former(const ServiceEntry& service, Cursor& cursor) noexcept {
  if (cursor.round == service.round) return;
  cursor = {.round = service.round, .first = cursor.first, .position = cursor.first, .random = cursor.random};
}

// Where the rounds of worker `index` begin, so that any number of workers are spread evenly: 0, 1/2, 1/4, 3/4, 1/8, ...
// of 2^32 (van der Corput's sequence).
constexpr uint32_t first_place_of(uint32_t index) noexcept {
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit, index >>= 1) reversed = reversed << 1 | (index & 1);
  return reversed;
}

class LoadTrees;
class LocalityCache;

// All that a pick may look at.
struct PickContext {
  const ServiceEntry& service;
  const IpFlow& flow;  // of the request
  const Loads& loads;
  Cursor& cursor;
  // The worker's; nullptr or not attached: least-loaded schedulers scan their candidates.
  LoadTrees* trees = nullptr;
  // The worker's, of kMaxReals; needed where the service has thresholds.
  RealCounters* counters = nullptr;
  // The worker's; needed by lblc and lblcr.
  LocalityCache* localities = nullptr;
  // Milliseconds of the worker's clock; needed by the same.
  Tick now = 0;
  // Somebody only asks: nothing may change but the cursor, which is a copy then.
  bool peeks = false;
};

struct Scheduler {
  SchedulerKind kind;
  // The real for a new connection, or kNoReal. Worker only.
  RealId (*pick)(const PickContext&) noexcept;
  // For schedulers with a table (nullptr otherwise): how many slots it has, and filling it, both on the control thread.
  // What a slot holds is the scheduler's to say: an index into `candidates`, as a rule. `scratch` has
  // kScratchPerCandidate words for each candidate.
  uint32_t (*slots_wanted)(std::span<const Candidate> candidates) noexcept = nullptr;
  void (*fill)(std::span<const Candidate> candidates, std::span<const RealEntry> reals, std::span<uint32_t> slots,
               std::span<uint32_t> scratch) noexcept = nullptr;
  // Chance or load decides beside the table.
  bool draws = false;

  static constexpr uint32_t kScratchPerCandidate = 4;
  // The answer depends only on the packet and the reals: such a scheduler also forwards without a connection.
  bool is_stateless() const noexcept { return fill != nullptr && !draws; }
};

// Any thread.
const Scheduler& scheduler_for(SchedulerKind kind) noexcept;

}  // namespace shunt::dataplane
