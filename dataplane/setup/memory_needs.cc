#include "dataplane/setup/memory_needs.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <string>

#include "dataplane/schedulers/scheduler.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {
namespace {

constexpr uint64_t kMiB = 1 << 20;
// What a mempool's cache holds back at most: its size and a half (rte_mempool's flush threshold).
constexpr uint32_t kMbufCache = 256;
// Layer 2 around an IP packet of MTU size: Ethernet, two VLAN tags, FCS.
constexpr uint32_t kFrameOverhead = 14 + 8 + 4;
// EAL's own heap use (memzones, device and log structures) and fragmentation; measured 6 to 14 MiB.
constexpr uint64_t kEalOverhead = 16 * kMiB;
constexpr uint64_t kBytesPerDescriptor = 128;
constexpr uint32_t kMostSpread = 128;

// rte_mempool puts no element across a page's border (rte_mempool_op_calc_mem_size_helper).
uint64_t pool_bytes(const DataplaneOptions& options) noexcept {
  rte_mempool_objsz sizes;
  const auto element = static_cast<uint32_t>(sizeof(rte_mbuf) + mbuf_room(options));
  // The spread over memory channels depends on EAL's start, and adds a few lines to each.
  const uint64_t bytes = rte_mempool_calc_obj_size(element, RTE_MEMPOOL_F_NO_SPREAD, &sizes) + kMostSpread;
  const uint64_t page = options.huge_pages ? 2 * kMiB : 4096;
  const uint64_t bookkeeping = options.mbufs * 2 * sizeof(void*);  // its ring, a power of two
  if (bytes > page) return options.mbufs * RTE_ALIGN_CEIL(bytes, page) + bookkeeping;
  const uint64_t per_page = page / bytes;
  return (options.mbufs + per_page - 1) / per_page * page + bookkeeping;
}

std::string mib(uint64_t bytes) { return std::to_string((bytes + kMiB - 1) / kMiB) + " MiB"; }

}  // namespace

uint16_t mbuf_room(const DataplaneOptions& options) noexcept {
  uint32_t largest = RTE_MBUF_DEFAULT_BUF_SIZE;
  for (const PortOptions& port : options.ports) {
    largest = std::max(largest, RTE_PKTMBUF_HEADROOM + port.mtu + kFrameOverhead);
  }
  return static_cast<uint16_t>(RTE_ALIGN_CEIL(largest, 64));
}

uint32_t mbuf_cache(const DataplaneOptions& options) noexcept {
  return options.mbufs >= 8 * kMbufCache ? kMbufCache : 0;
}

uint32_t mbufs_needed(const DataplaneOptions& options, uint32_t workers) noexcept {
  uint32_t per_worker = mbuf_cache(options) * 3 / 2 + kBurst + WaitingRoom::kPlaces + FragmentTable::kWaiting;
  for (const PortOptions& port : options.ports) per_worker += 2u * port.descriptors + WorkerPort::kTxBuffer;
  return workers * per_worker;
}

uint64_t table_bytes(const DataplaneOptions& options) noexcept {
  return ConnectionTable::bytes_for(options.connections_per_worker) +
         ConnectionTable6::bytes_for(options.ipv6_connections_per_worker);
}

MemoryNeeds memory_needs(const DataplaneOptions& options, uint32_t workers) noexcept {
  MemoryNeeds needs;
  needs.tables = workers * table_bytes(options) + TemplateTable::bytes_for(options.templates) +
                 ExpectationTable::bytes_for(kExpectations);
  const uint64_t shared_loads = workers > 1 ? kMaxReals * sizeof(SharedLoad) : 0;
  needs.counters = workers * (sizeof(Worker) + kMaxReals * sizeof(RealCounters) + kMaxServices * (sizeof(Cursor) + sizeof(ServiceCounters)) +
                              LoadTrees::bytes() + LocalityCache::bytes() + FtpControls::bytes() + shared_loads);
  needs.mbufs = pool_bytes(options);
  uint64_t descriptors = 0;
  for (const PortOptions& port : options.ports) descriptors += uint64_t{2} * port.descriptors * workers;
  needs.overhead = kEalOverhead + descriptors * kBytesPerDescriptor;
  return needs;
}

Result<void> check_memory(const DataplaneOptions& options, uint32_t workers) {
  if (const uint32_t needed = mbufs_needed(options, workers); options.mbufs < needed) {
    return Error{ErrorCode::kInvalid,
                 "workers.mbufs " + std::to_string(options.mbufs) + ": " + std::to_string(options.ports.size()) +
                     " ports with " + std::to_string(workers) + " workers can hold " + std::to_string(needed) +
                     " at once; raise it, or lower ports.descriptors"};
  }
  const MemoryNeeds needs = memory_needs(options, workers);
  if (needs.total() <= options.memory_mb * kMiB) return {};
  return Error{ErrorCode::kNoMemory,
               "memory: needs " + mib(needs.total()) + " (connection tables " + mib(needs.tables) + ", counters " +
                   mib(needs.counters) + ", mbufs " + mib(needs.mbufs) + ", drivers and EAL " + mib(needs.overhead) +
                   "), dpdk.memory_mb is " + std::to_string(options.memory_mb) +
                   "; raise it, or lower workers.connections, workers.ipv6_connections, workers.templates or "
                   "workers.mbufs"};
}

}  // namespace shunt::dataplane
