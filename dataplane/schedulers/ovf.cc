// Overflow: the heaviest real that has no more active connections than its weight, the first of equals; none, when all
// have more (Linux ip_vs_ovf.c).
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

// The heaviest has the smallest 1 / weight.
Load load_of(Counts counts, uint32_t weight) noexcept {
  return {counts.active <= weight ? 1 : Load::kRefused, weight};
}

RealId pick(const PickContext& context) noexcept { return least_loaded(context, load_of); }

}  // namespace

const Scheduler kOverflow{SchedulerKind::kOvf, pick};

}  // namespace shunt::dataplane
