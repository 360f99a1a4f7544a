// A DPDK port whose both ends are rings (net_ring): what is put in is received by the worker's poll, what the poll
// sends is taken out. One thread.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>

namespace shunt::bench {

class RingPort {
 public:
  // Port 0 of the process: once. `frames`: what either ring holds, a power of two. Ends the program when there is no
  // such port to be had. REQUIRES start_eal().
  explicit RingPort(uint32_t frames);
  RingPort(const RingPort&) = delete;

  // How many of them were taken; fewer than `count` when the ring is full.
  uint32_t put(rte_mbuf** frames, uint32_t count) {
    return rte_ring_enqueue_burst(to_worker_, reinterpret_cast<void**>(frames), count, nullptr);
  }
  uint32_t take(rte_mbuf** frames, uint32_t room) {
    return rte_ring_dequeue_burst(from_worker_, reinterpret_cast<void**>(frames), room, nullptr);
  }
  uint32_t waiting() const { return rte_ring_count(to_worker_); }

 private:
  rte_ring* to_worker_;
  rte_ring* from_worker_;
};

}  // namespace shunt::bench
