// The rings between workers and the threads that serve kernel ports, and the packet buffers' way across them.
#pragma once

#include <rte_mempool.h>

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "dataplane/setup/dataplane.h"
#include "dataplane/setup/memory.h"
#include "src/base/result.h"

namespace shunt::dataplane {

class KernelRings {
 public:
  // Rings for each port that has a kernel port, and those of what workers tell control. kNoMemory. `pool` must outlive this.
  static Result<KernelRings> create(const std::vector<PortInfo>& ports, const std::vector<PortOptions>& options,
                                    rte_mempool* pool);

  // nullptr: the port has no kernel port.
  rte_ring* to_kernel(uint16_t port) const noexcept { return to_kernel_[port].get(); }
  rte_ring* from_kernel(uint16_t port) const noexcept { return from_kernel_[port].get(); }
  rte_ring* resolve_requests() const noexcept { return resolve_.get(); }
  rte_ring* path_mtus() const noexcept { return path_mtus_.get(); }

  // As Dataplane's functions of these names.
  size_t take_frames(uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink);
  bool send_frame(uint16_t port, const uint8_t* frame, size_t bytes);
  // An IP packet for a service's VIP, to go to this real of it. The thread of send_frame().
  bool send_probe(RealId real, const uint8_t* packet, size_t bytes);
  size_t take_resolve_requests(ResolveRequest* out, size_t capacity);
  size_t take_path_mtus(PathMtu* out, size_t capacity);

 private:
  explicit KernelRings(rte_mempool* pool) : pool_(pool) {}

  rte_mempool* pool_;
  bool send(rte_ring* ring, RealId probed, std::span<const uint8_t> header, std::span<const uint8_t> rest);

  std::array<Ring, kMaxPorts> to_kernel_;
  std::array<Ring, kMaxPorts> from_kernel_;
  Ring resolve_;
  Ring path_mtus_;
};

}  // namespace shunt::dataplane
