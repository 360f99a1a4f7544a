// Packets of no connection: a new connection with a real, another worker's, or Linux's. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Gives every undecided packet a real, with a connection if the table has room, or decides what else becomes of it.
void admit(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;

}  // namespace shunt::dataplane
