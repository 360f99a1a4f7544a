// A packet's journey. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Takes every packet of the burst (mbuf, in_port and handed_off set) from its reception to its one exit.
void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
