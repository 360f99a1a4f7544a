// When a real has too many connections for its thresholds. Worker only.
#pragma once

#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

// Keeps in `counters` what the thresholds say of `counts`: IPVS's IP_VS_DEST_F_OVERLOAD. To be asked after each new
// connection and before each pick; between, connections end only, and the last count of them is the least. One that was
// overloaded by a lower threshold than there is now begins anew (ip_vs_ctl.c __ip_vs_update_dest).
inline bool is_overloaded(RealCounters& counters, const Thresholds& thresholds, const Counts& counts) noexcept {
  const uint64_t total = counts.active + counts.inactive;
  const bool is_calm = thresholds.lower != 0 ? total < thresholds.lower : total * 4 < uint64_t{thresholds.upper} * 3;
  const bool was = counters.overloaded_at >= thresholds.upper;
  const bool is = thresholds.upper != 0 && (total >= thresholds.upper || (was && !is_calm));
  counters.overloaded_at = is ? thresholds.upper : 0;
  return is;
}

// Whether a candidate may get a connection.
inline bool is_eligible(const PickContext& context, const Candidate& candidate) noexcept {
  if (candidate.weight == 0) return false;
  if (candidate.thresholds.upper == 0) [[likely]] return true;
  return !is_overloaded(context.counters[candidate.id.index], candidate.thresholds,
                        context.loads.counts(candidate.id));
}

}  // namespace shunt::dataplane
