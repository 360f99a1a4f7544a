// When a real has too many connections for its thresholds. Worker only.
#pragma once

#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

// What the thresholds say of `counts`, by what they said last; changes nothing. Any thread.
inline bool exceeds(const RealCounters& counters, const Thresholds& thresholds, const Counts& counts) noexcept {
  const uint64_t total = counts.active + counts.inactive;
  const bool is_calm = thresholds.lower != 0 ? total < thresholds.lower : total * 4 < uint64_t{thresholds.upper} * 3;
  const bool was = counters.overloaded_at.load(std::memory_order_relaxed) >= thresholds.upper;
  return thresholds.upper != 0 && (total >= thresholds.upper || (was && !is_calm));
}

// Keeps in `counters` what the thresholds say of `counts`: IPVS's IP_VS_DEST_F_OVERLOAD. To be asked after each new
// connection and before each pick; between, connections end only, and the last count of them is the least. One that was
// overloaded by a lower threshold than there is now begins anew (ip_vs_ctl.c __ip_vs_update_dest).
inline bool is_overloaded(RealCounters& counters, const Thresholds& thresholds, const Counts& counts) noexcept {
  const bool is = exceeds(counters, thresholds, counts);
  counters.overloaded_at.store(is ? thresholds.upper : 0, std::memory_order_relaxed);
  return is;
}

// Whether a candidate may get a connection.
inline bool is_eligible(const PickContext& context, const Candidate& candidate) noexcept {
  if (candidate.weight == 0) return false;
  if (candidate.thresholds.upper == 0) [[likely]] return true;
  RealCounters& counters = context.counters[candidate.id.index];
  const Counts counts = context.loads.counts(candidate.id);
  return !(context.peeks ? exceeds(counters, candidate.thresholds, counts)
                         : is_overloaded(counters, candidate.thresholds, counts));
}

}  // namespace shunt::dataplane
