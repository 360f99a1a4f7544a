#include "dataplane/setup/memory.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring_elem.h>

namespace shunt::dataplane {

Result<Memory> allocate(const std::string& what, size_t bytes, unsigned lcore) {
  const auto socket = static_cast<int>(rte_lcore_to_socket_id(lcore));
  void* memory = rte_zmalloc_socket(what.c_str(), bytes, RTE_CACHE_LINE_SIZE, socket);
  if (memory == nullptr) memory = rte_zmalloc_socket(what.c_str(), bytes, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
  if (memory != nullptr) return Memory(memory);
  return Error{ErrorCode::kNoMemory,
               what + ": no " + std::to_string((bytes >> 20) + 1) + " MiB in one piece; raise dpdk.memory_mb"};
}

Result<Ring> make_ring(const std::string& name, unsigned element_bytes, unsigned count, unsigned flags) {
  rte_ring* ring = rte_ring_create_elem(name.c_str(), element_bytes, count, SOCKET_ID_ANY, flags);
  if (ring != nullptr) return Ring(ring);
  return Error{ErrorCode::kNoMemory, "ring " + name + ": " + rte_strerror(rte_errno) + "; raise dpdk.memory_mb"};
}

}  // namespace shunt::dataplane
