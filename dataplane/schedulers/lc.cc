// Least connections: the real with the smallest overhead, the first of equals (Linux ip_vs_lc.c).
// Weights do not count, but 0 is no choice.
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

RealId pick(const PickContext& context) noexcept {
  RealId least = kNoReal;
  uint64_t least_overhead = UINT64_MAX;
  const Loads loads = context.loads;  // a copy: what it points to stays in registers
  for (const Candidate& candidate : context.service.candidates) {
    if (candidate.weight == 0) continue;
    const uint64_t overhead = loads.overhead(candidate.id);
    if (overhead >= least_overhead) continue;
    least = candidate.id;
    least_overhead = overhead;
  }
  return least;
}

}  // namespace

const Scheduler kLeastConnections{SchedulerKind::kLc, pick, nullptr, nullptr};

}  // namespace shunt::dataplane
