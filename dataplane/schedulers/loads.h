// How many connections each real has, as one worker sees it: its own live, the other workers' as control told them
// last, some milliseconds ago. Owner of what is told: control; workers only read it, so that none touches a cache
// line that another writes for each packet.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "dataplane/counters.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// Connections on a real.
struct Counts {
  uint64_t active = 0;
  uint64_t inactive = 0;
  // How far this worker stands back from the real, in connections (Loads::expected).
  uint64_t lag = 0;

  // Inactive connections that weigh as much as an active one.
  static constexpr uint64_t kActive = 256;

  // IPVS's (include/net/ip_vs.h ip_vs_dest_conn_overhead). The lag counts as connections of the kind that there is:
  // UDP's are all inactive, and a lag of active ones would outweigh hundreds of them.
  constexpr uint64_t overhead() const noexcept {
    return active * kActive + inactive + lag * (active == 0 ? 1 : kActive);
  }
  // Both in one word, which sums of counts of all workers do not overflow: active in the upper half.
  constexpr uint64_t packed() const noexcept { return active << 32 | inactive; }
  static constexpr Counts of(uint64_t packed) noexcept { return {packed >> 32, packed & UINT32_MAX}; }
};

// What control tells a worker of one real.
struct alignas(16) SharedLoad {
  // Counts::packed() of all other workers, and what the worker itself had at that moment.
  std::atomic<uint64_t> others{0};
  std::atomic<uint64_t> own{0};
};
static_assert(sizeof(SharedLoad) == 16);

// A worker's place among all.
struct SharedLoads {
  const SharedLoad* of_reals = nullptr;  // by RealId; nullptr: there is no other worker
  uint32_t workers = 1;
  uint32_t phase = 0;  // load_phase_of()
};

// 2^32 in as many equal parts as there are workers: where part `index` begins.
constexpr uint32_t load_phase_of(uint32_t index, uint32_t workers) noexcept {
  return static_cast<uint32_t>(((uint64_t{index} << 32) + workers - 1) / workers);
}

class Loads {
 public:
  // `epoch` is another number whenever `shared` was told anew.
  explicit Loads(const RealCounters* own, SharedLoads shared = {}, uint32_t epoch = 0) noexcept
      : own_(own), shared_(shared), epoch_(epoch) {}

  // Of the whole node, as far as is known: what thresholds go by.
  Counts counts(RealId real) const noexcept {
    Counts counts = own(real);
    if (shared_.of_reals == nullptr) return counts;
    const Counts others = Counts::of(shared_.of_reals[real.index].others.load(std::memory_order_relaxed));
    counts.active += others.active;
    counts.inactive += others.inactive;
    return counts;
  }

  // Of the whole node now, if since then each of the others did as this one: what schedulers go by. Workers that all
  // went by counts() would all send to the real that had the least, until they hear of each other. So that they do not
  // do the same at the same moment either, each stands back from each real by another number of connections, 0 to
  // workers - 1. With one worker the same as counts().
  Counts expected(RealId real) const noexcept {
    const Counts now = own(real);
    if (shared_.of_reals == nullptr) [[likely]] return now;
    const SharedLoad& shared = shared_.of_reals[real.index];
    const Counts others = Counts::of(shared.others.load(std::memory_order_relaxed));
    const Counts then = Counts::of(shared.own.load(std::memory_order_relaxed));
    return {extrapolated(now.active, then.active, others.active),
            extrapolated(now.inactive, then.inactive, others.inactive), lag(real)};
  }
  uint32_t epoch() const noexcept { return epoch_; }

  // As they will be once a connection of this worker's on the real has ended.
  Loads without(RealId real, bool is_active) const noexcept {
    Loads after = *this;
    after.leaving_ = real;
    after.leaves_active_ = is_active;
    return after;
  }
  bool is_of_now() const noexcept { return leaving_ == kNoReal; }

 private:
  Counts own(RealId real) const noexcept {
    const RealCounters& own = own_[real.index];
    Counts counts{own.active.load(std::memory_order_relaxed), own.inactive.load(std::memory_order_relaxed)};
    if (real == leaving_) [[unlikely]] --(leaves_active_ ? counts.active : counts.inactive);
    return counts;
  }
  // Where the others had more than this worker, and it has ended many, there is no saying; its own are there.
  uint64_t extrapolated(uint64_t now, uint64_t then, uint64_t others) const noexcept {
    const auto change = static_cast<int64_t>(now) - static_cast<int64_t>(then);
    const int64_t all = static_cast<int64_t>(now + others) + change * (int64_t{shared_.workers} - 1);
    return static_cast<uint64_t>(std::max(all, static_cast<int64_t>(now)));
  }
  // Each worker's in an order of its own, and of each real every worker's is another (the real's place in the round,
  // by the golden ratio, which keeps neighbours apart).
  uint64_t lag(RealId real) const noexcept {
    const uint32_t turned = real.index * 2654435769u + shared_.phase;
    return uint64_t{turned} * shared_.workers >> 32;
  }

  const RealCounters* own_;
  SharedLoads shared_;
  uint32_t epoch_;
  RealId leaving_ = kNoReal;
  bool leaves_active_ = false;
};

}  // namespace shunt::dataplane
