// Weighted least connections: the real with the smallest overhead / weight, the first of equals
// (Linux ip_vs_wlc.c). Quotients are compared by cross-multiplication, as there.
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

RealId pick(const PickContext& context) noexcept {
  const Candidate* least = nullptr;
  uint64_t least_overhead = 0;
  for (const Candidate& candidate : context.service.candidates) {
    if (candidate.weight == 0) continue;
    // At most 2^40 (all connections of 64 workers, active) times 2^16: no overflow.
    const uint64_t overhead = context.loads.overhead(candidate.id);
    if (least != nullptr && overhead * least->weight >= least_overhead * candidate.weight) continue;
    least = &candidate;
    least_overhead = overhead;
  }
  return least == nullptr ? kNoReal : least->id;
}

}  // namespace

const Scheduler kWeightedLeastConnections{SchedulerKind::kWlc, pick, nullptr, nullptr};

}  // namespace shunt::dataplane
