// The one exit: every packet is sent, given to Linux, handed to another worker, made to wait, or freed here, and
// nowhere else. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Sends what is queued on a port. What the port does not take is dropped and counted.
void flush_port(Worker& worker, uint16_t id) noexcept;
// The same for every port.
void flush_ports(Worker& worker) noexcept;

// Frees and counts.
void drop(Worker& worker, rte_mbuf* mbuf, DropReason reason) noexcept;

// Lets a packet begin its journey anew, behind what is on its way now: by the worker's own inbox, as if handed off.
void start_anew(Worker& worker, rte_mbuf* mbuf) noexcept;

// Queues one frame on a port for this poll's end; a queue that is full then is sent at once.
inline void queue_frame(Worker& worker, uint16_t id, rte_mbuf* mbuf) noexcept {
  WorkerPort& port = worker.ports[id];
  const uint32_t count = port.tx_count;
  port.tx[count] = mbuf;
  port.tx_count = count + 1;
  if (count + 1 == WorkerPort::kTxBuffer) [[unlikely]] flush_port(worker, id);
}

// Packets that were not sent on: what their verdict says.
void settle(Worker& worker, const Packet& packet) noexcept;

}  // namespace shunt::dataplane
