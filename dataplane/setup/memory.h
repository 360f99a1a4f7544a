// DPDK's memory and rings with owners. Control threads.
#pragma once

#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <cstddef>
#include <memory>
#include <string>

#include "src/base/result.h"

namespace shunt::dataplane {

struct RteFree {
  void operator()(void* memory) const noexcept { rte_free(memory); }
};
using Memory = std::unique_ptr<void, RteFree>;

struct RingFree {
  void operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }
};
using Ring = std::unique_ptr<rte_ring, RingFree>;

struct PoolFree {
  void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
using Pool = std::unique_ptr<rte_mempool, PoolFree>;

// Zeroed, 64-byte aligned, on the lcore's NUMA socket if that has room, else anywhere. kNoMemory names `what`.
Result<Memory> allocate(const std::string& what, size_t bytes, unsigned lcore);

// A ring of elements of `element_bytes` (a multiple of 4); `flags` as rte_ring_create's. kNoMemory.
Result<Ring> make_ring(const std::string& name, unsigned element_bytes, unsigned count, unsigned flags);

}  // namespace shunt::dataplane
