// What lblc and lblcr have in common. Worker only.
#pragma once

#include <algorithm>

#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/localities.h"

namespace shunt::dataplane {

// nullptr: no candidate any more, or down.
inline const Candidate* candidate_of(const ServiceEntry& service, RealId real) noexcept {
  const auto found = std::lower_bound(service.by_id.begin(), service.by_id.end(), real,
                                      [](const Candidate& candidate, RealId id) { return candidate.id < id; });
  return found == service.by_id.end() || found->id != real ? nullptr : &*found;
}

// More active connections than the weight, while another real has less than half of its own (is_overloaded of both
// files; not to be confused with thresholds).
inline bool has_more_than_its_share(const PickContext& context, const Candidate& candidate) noexcept {
  if (context.loads.expected(candidate.id).active <= candidate.weight) return false;
  const std::span<const Candidate> all = context.service.candidates;
  return std::any_of(all.begin(), all.end(), [&](const Candidate& other) {
    return context.loads.expected(other.id).active * 2 < other.weight;
  });
}

inline Load overhead_by_weight(Counts counts, uint32_t weight) noexcept { return {counts.overhead(), weight}; }

// As wlc.
inline RealId least_of_all(const PickContext& context) noexcept { return least_loaded(context, overhead_by_weight); }

}  // namespace shunt::dataplane
