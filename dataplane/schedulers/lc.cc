// Least connections: the real with the smallest overhead, the first of equals (Linux ip_vs_lc.c).
// Weights do not count, but 0 is no choice.
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

Load load_of(Counts counts, uint32_t) noexcept { return {counts.overhead(), 1}; }

RealId pick(const PickContext& context) noexcept { return least_loaded(context, load_of); }

}  // namespace

const Scheduler kLeastConnections{SchedulerKind::kLc, pick};

}  // namespace shunt::dataplane
