// What a packet does to its connection: state, timeout, counters. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

void track(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
