// Weighted round robin: passes over the list with a falling threshold, choosing every real whose
// weight reaches it (Linux ip_vs_wrr.c). In bursts: a heavy real gets consecutive picks.
#include <algorithm>
#include <numeric>

#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

// The place of a worker's first pick: that of one pick of the round, all of them in a row (each real's together, its
// highest threshold first) and `share` of 2^32 of them left out.
void begin_within(std::span<const Candidate> candidates, uint64_t sum, uint32_t share, Cursor& cursor) noexcept {
  const auto steps = sum / cursor.step;
  auto left = static_cast<uint32_t>(static_cast<unsigned __int128>(steps) * share >> 32);
  for (uint32_t i = 0; i < candidates.size(); ++i) {
    const uint32_t own = candidates[i].weight / cursor.step;
    if (left >= own) {
      left -= own;
      continue;
    }
    cursor.position = i;
    cursor.weight = (own - 1 - left) * cursor.step + 1;
    return;
  }
}

// Weights' greatest common divisor and maximum bound the threshold: from `top` down to 1 by `step`.
struct Bounds {
  uint32_t step = 0;  // 0: no weight above 0
  uint32_t maximum = 0;
  uint64_t sum = 0;

  void add(uint32_t weight) noexcept {
    step = std::gcd(step, weight);
    maximum = std::max(maximum, weight);
    sum += weight;
  }
  uint32_t top() const noexcept { return step == 0 ? 0 : maximum - (step - 1); }
  // Where a change leaves the threshold (ip_vs_wrr.c ip_vs_wrr_dest_changed).
  uint32_t moved(uint32_t threshold) const noexcept {
    if (threshold > top() || threshold == 0) return top();
    return step > 1 ? threshold / step * step + 1 : threshold;
  }
};

// A threshold that has seen its reals come one by one, as ipvsadm adds them, oldest first.
uint32_t threshold_as_added(std::span<const Candidate> candidates) noexcept {
  Bounds bounds;
  uint32_t threshold = 0;
  for (size_t left = candidates.size(); left > 0; --left) {
    bounds.add(candidates[left - 1].weight);
    threshold = bounds.moved(threshold);
  }
  return threshold;
}

// As in IPVS every change of the set begins a new pass, at the threshold that was reached.
void begin_pass(const ServiceEntry& service, Cursor& cursor) noexcept {
  forget_former(service, cursor);
  const bool is_first = cursor.generation == 0;
  const uint32_t share = is_first ? cursor.position : 0;
  Bounds bounds;
  for (const Candidate& candidate : service.candidates) bounds.add(candidate.weight);
  cursor.generation = service.generation;
  cursor.position = 0;
  cursor.step = bounds.step;
  cursor.top = bounds.top();
  cursor.weight = is_first && !service.scheduler_changed ? threshold_as_added(service.candidates)
                                                         : bounds.moved(cursor.weight);
  if (share != 0 && bounds.step != 0) begin_within(service.candidates, bounds.sum, share, cursor);
}

RealId pick(const PickContext& context) noexcept {
  const std::span<const Candidate> candidates = context.service.candidates;
  Cursor& cursor = context.cursor;
  if (cursor.generation != context.service.generation || cursor.step == 0) {
    begin_pass(context.service, cursor);
  }
  if (cursor.top == 0) return kNoReal;
  // The heaviest real reaches every threshold, so at most the rest of this pass and one more are
  // walked; with overloaded ones, as many as it takes to ask all of them for a weight of 1.
  const auto count = static_cast<uint32_t>(candidates.size());
  const uint32_t began = cursor.position;
  bool is_last = false;
  bool is_anew = false;
  for (;;) {
    // Those behind `began` were asked for 1 before all others.
    const uint32_t end = is_last && is_anew && began != 0 ? began : count;
    for (uint32_t i = cursor.position; i < end; ++i) {
      if (candidates[i].weight < cursor.weight || !is_eligible(context, candidates[i])) continue;
      cursor.position = i + 1;
      return candidates[i].id;
    }
    cursor.position = end == count ? 0 : end;
    if (end != count) return kNoReal;
    if (cursor.weight > cursor.step) {
      cursor.weight -= cursor.step;
    } else {
      cursor.weight = cursor.top;
      if (is_last || began == 0) return kNoReal;
      is_anew = true;
    }
    is_last = cursor.weight <= cursor.step;
  }
}

}  // namespace

const Scheduler kWeightedRoundRobin{SchedulerKind::kWrr, pick};

}  // namespace shunt::dataplane
