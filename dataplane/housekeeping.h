// What a worker does beside packets, a bounded piece each poll. Worker only.
#pragma once

#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Reads the clock; true when at least a millisecond has passed since it last said so.
bool advance_clock(Worker& worker) noexcept;

// Gives waiting packets another try when the snapshot is new, and drops those that waited too long.
void serve_waiting_room(Worker& worker, const Snapshot& snapshot) noexcept;

// Goes on with what control asked for (Worker::command).
void serve_command(Worker& worker, const Snapshot& snapshot) noexcept;

}  // namespace shunt::dataplane
