// Makes a packet what its forwarding method says, and addresses its frame to the next hop. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Every packet still undecided is on its way afterwards (kForward), or dropped.
void rewrite(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
