// Shortest expected delay: the real that would have the fewest active connections / weight with this one, the first of
// equals (Linux ip_vs_sed.c). Inactive ones do not count.
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

Load load_of(Counts counts, uint32_t weight) noexcept { return {counts.active + counts.lag + 1, weight}; }

RealId pick(const PickContext& context) noexcept { return least_loaded(context, load_of); }

}  // namespace

const Scheduler kShortestExpectedDelay{SchedulerKind::kSed, pick};

}  // namespace shunt::dataplane
