// The schedulers there are, one per file of this folder. registry.cc alone names them; others ask
// it.
#pragma once

#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

extern const Scheduler kRoundRobin;
extern const Scheduler kWeightedRoundRobin;
extern const Scheduler kLeastConnections;
extern const Scheduler kWeightedLeastConnections;
extern const Scheduler kMaglev;
extern const Scheduler kShortestExpectedDelay;
extern const Scheduler kNeverQueue;
extern const Scheduler kSourceHashing;
extern const Scheduler kDestinationHashing;
extern const Scheduler kFailover;
extern const Scheduler kOverflow;
extern const Scheduler kPowerOfTwoChoices;
extern const Scheduler kLocalityBased;
extern const Scheduler kLocalityBasedWithReplication;
extern const Scheduler kConsistentHashing;

}  // namespace shunt::dataplane
