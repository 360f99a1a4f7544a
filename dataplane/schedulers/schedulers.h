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

}  // namespace shunt::dataplane
