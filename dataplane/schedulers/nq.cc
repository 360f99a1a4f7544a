// Never queue: the first real without active connections, however light; when all have some, as sed
// (Linux ip_vs_nq.c).
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

Load load_of(Counts counts, uint32_t weight) noexcept {
  return {counts.active == 0 ? 0 : counts.active + counts.lag + 1, weight};
}

RealId pick(const PickContext& context) noexcept { return least_loaded(context, load_of); }

}  // namespace

const Scheduler kNeverQueue{SchedulerKind::kNq, pick};

}  // namespace shunt::dataplane
