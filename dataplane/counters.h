// A worker's counters. Owner: that worker, the only writer; others read them relaxed, one value at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/types.h"
#include "dataplane/verdict.h"

namespace shunt::dataplane {

// A counter with one writer: no locked instruction, and readers on other cores see whole values.
class Counter {
 public:
  void add(uint64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// One real's share on one worker; one cache line. `connections` grows; active and inactive are what there is now;
// local_turn, where the next search for a local port begins (local_ports.h), is nobody else's to read.
struct alignas(64) RealCounters {
  Counter in_packets;
  Counter in_bytes;
  Counter out_packets;
  Counter out_bytes;
  Counter connections;
  std::atomic<uint32_t> active{0};
  std::atomic<uint32_t> inactive{0};
  uint32_t local_turn = 0;
};
static_assert(sizeof(RealCounters) == 64);

struct alignas(64) WorkerCounters {
  Counter rx_packets;
  Counter tx_packets;
  Counter kernel_packets;      // to the kernel port
  Counter handed_off_packets;  // to other workers
  Counter bursts;              // that held a packet
  Counter polls;               // all
  Counter busy_cycles;         // TSC cycles in polls that found a packet
  Counter idle_cycles;
  Counter connections;         // in the table now: rises and falls
  Counter untracked_packets;   // forwarded without a connection, the table being full
  Counter half_open_evicted;
  Counter answers;  // ICMP errors sent; each also counts as the drop that it explains
  Counter snapshot_version;    // the snapshot last seen
  std::array<Counter, kDropReasons> drops;
};

}  // namespace shunt::dataplane
