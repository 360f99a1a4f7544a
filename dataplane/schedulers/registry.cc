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
    case SchedulerKind::kSed: return kShortestExpectedDelay;
    case SchedulerKind::kNq: return kNeverQueue;
    case SchedulerKind::kSh: return kSourceHashing;
    case SchedulerKind::kDh: return kDestinationHashing;
    case SchedulerKind::kFo: return kFailover;
    case SchedulerKind::kOvf: return kOverflow;
    case SchedulerKind::kTwos: return kPowerOfTwoChoices;
    case SchedulerKind::kLblc: return kLocalityBased;
    case SchedulerKind::kLblcr: return kLocalityBasedWithReplication;
    case SchedulerKind::kConhash: return kConsistentHashing;
  }
  __builtin_unreachable();
}

}  // namespace shunt::dataplane
