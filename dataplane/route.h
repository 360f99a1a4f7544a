// Where a packet leaves, and whether it may: next hop, link, TTL, MTU. Before anything is rewritten, so that an ICMP
// error quotes what its receiver sent. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Sets next_hop and out_port of every undecided packet, or decides.
void route(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
