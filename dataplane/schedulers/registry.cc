// Every scheduler by its kind: a new one adds its line here.
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {

const Scheduler& scheduler_for(SchedulerKind kind) noexcept {
  switch (kind) {
    case SchedulerKind::kRr: return kRoundRobin;
    case SchedulerKind::kWrr: return kWeightedRoundRobin;
    case SchedulerKind::kLc: return kLeastConnections;
    case SchedulerKind::kWlc: return kWeightedLeastConnections;
    case SchedulerKind::kMh: return kMaglev;
  }
  __builtin_unreachable();
}

}  // namespace shunt::dataplane
