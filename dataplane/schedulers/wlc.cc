// Weighted least connections: the real with the smallest overhead / weight, the first of equals
// (Linux ip_vs_wlc.c). Quotients are compared by cross-multiplication, as there.
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

RealId pick(const PickContext& context) noexcept {
  // Infinite: 1 / 0. What the next real is compared with stays in registers: read through a pointer to the least
  // candidate, it would add a load to each step of the one chain that this loop waits for.
  RealId least = kNoReal;
  uint64_t least_overhead = 1;
  uint64_t least_weight = 0;
  const Loads loads = context.loads;  // a copy: what it points to stays in registers
  for (const Candidate& candidate : context.service.candidates) {
    if (candidate.weight == 0) continue;
    // At most 2^40 (all connections of 64 workers, active) times 2^16: no overflow.
    const uint64_t overhead = loads.overhead(candidate.id);
    if (overhead * least_weight >= least_overhead * candidate.weight) continue;
    least = candidate.id;
    least_overhead = overhead;
    least_weight = candidate.weight;
  }
  return least;
}

}  // namespace

const Scheduler kWeightedLeastConnections{SchedulerKind::kWlc, pick, nullptr, nullptr};

}  // namespace shunt::dataplane
