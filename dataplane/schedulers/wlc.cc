// Weighted least connections: the real with the smallest overhead / weight, the first of equals
// (Linux ip_vs_wlc.c).
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

Load load_of(Counts counts, uint32_t weight) noexcept { return {counts.overhead(), weight}; }

RealId pick(const PickContext& context) noexcept { return least_loaded(context, load_of); }

}  // namespace

const Scheduler kWeightedLeastConnections{SchedulerKind::kWlc, pick};

}  // namespace shunt::dataplane
