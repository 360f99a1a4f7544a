// First stage: which packets are ours to look at, and what they say. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Fills in every packet's key, or decides: not IPv4 TCP/UDP goes to the kernel port, malformed is dropped.
// REQUIRES mbuf, in_port and handed_off of each packet; sets all other fields.
void parse(const Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
