// How much memory a dataplane takes, computed before any is taken. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "dataplane/setup/dataplane.h"

namespace shunt::dataplane {

struct MemoryNeeds {
  uint64_t tables = 0;    // connection tables, all workers
  uint64_t counters = 0;  // counters, cursors, load trees, load sums, all workers
  uint64_t mbufs = 0;     // packet buffers with the pool's own bookkeeping
  uint64_t overhead = 0;  // rings, the drivers' queues, EAL
  uint64_t total() const noexcept { return tables + counters + mbufs + overhead; }
};

// Bytes of one mbuf's data room, headroom included: holds a frame of the largest port MTU.
uint16_t mbuf_room(const DataplaneOptions& options) noexcept;
// Mbufs that queues, caches and buffers can hold at once when every port and worker is busy.
uint32_t mbufs_needed(const DataplaneOptions& options, uint32_t workers) noexcept;
// Per-lcore cache of the mbuf pool, in mbufs.
uint32_t mbuf_cache(const DataplaneOptions& options) noexcept;

// Bytes of one worker's connection tables, of both families.
uint64_t table_bytes(const DataplaneOptions& options) noexcept;

MemoryNeeds memory_needs(const DataplaneOptions& options, uint32_t workers) noexcept;

// kNoMemory when memory_mb is too little for all that; kInvalid when there are too few mbufs.
Result<void> check_memory(const DataplaneOptions& options, uint32_t workers);

}  // namespace shunt::dataplane
