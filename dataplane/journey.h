// Where a burst's journey begins: on the packet path, or, while somebody looks on, under his eyes. Worker only.
#pragma once

#include "dataplane/packet_path.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The same as packet_path(), a packet at a time, told to the worker's taps. Leaves nothing queued on the ports.
void watched_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept;
// Frames of Linux's, about to be queued on a port.
void watch_linux_frames(Worker& worker, uint16_t port, rte_mbuf** mbufs, uint32_t count) noexcept;

inline void journey(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  if (worker.taps != nullptr) [[unlikely]]
    return watched_path(worker, snapshot, burst);
  packet_path(worker, snapshot, burst);
}

}  // namespace shunt::dataplane
