// The one exit: every packet is sent, given to Linux, handed to another worker, made to wait, or freed here, and
// nowhere else. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

void settle(Worker& worker, Burst& burst) noexcept;

// Queues one frame on a port for this poll's end; with a full queue, sends first.
void queue_frame(Worker& worker, uint16_t port, rte_mbuf* mbuf) noexcept;

// Sends what is queued on every port. What a port does not take is dropped and counted.
void flush_ports(Worker& worker) noexcept;

// Frees and counts.
void drop(Worker& worker, rte_mbuf* mbuf, DropReason reason) noexcept;

}  // namespace shunt::dataplane
