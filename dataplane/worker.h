// One worker: a poll-mode lcore and all that it owns. Built cold by dataplane/setup/ before its lcore starts;
// from then on only its lcore touches it, but for what is marked shared.
#pragma once

#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/connection_table.h"
#include "dataplane/counters.h"
#include "dataplane/local_ports.h"
#include "dataplane/packet.h"
#include "dataplane/schedulers/scheduler.h"
#include "dataplane/snapshot.h"
#include "dataplane/steering.h"
#include "dataplane/token_budget.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// A port as one worker uses it. Its index in Worker::ports is the DPDK port id.
struct WorkerPort {
  MacAddress mac;
  uint16_t queue = 0;  // RX and TX queue of this worker; with `mac` before it, one word
  bool present = false;
  // Frames for Linux: many producers, one consumer; nullptr: the port has no kernel port.
  rte_ring* to_kernel = nullptr;
  // Frames from Linux to send; nullptr: another worker sends them.
  rte_ring* from_kernel = nullptr;
  // Frames that wait for this poll's end.
  static constexpr uint32_t kTxBuffer = 64;
  uint32_t tx_count = 0;
  std::array<rte_mbuf*, kTxBuffer> tx{};
};

// Packets whose next hop is being resolved. They start the journey anew when a snapshot brings news.
struct WaitingRoom {
  static constexpr uint32_t kPlaces = 128;
  struct Place {
    rte_mbuf* mbuf;
    Tick deadline;
    uint16_t in_port;
  };
  std::array<Place, kPlaces> places{};
  uint32_t count = 0;
  // The snapshot at the last try.
  uint64_t tried_version = 0;
};

// What control asks of a worker; shared. Control fills it in, publishes it in Worker::command, and owns it again
// when `done` is set.
struct Command {
  enum class Kind : uint8_t { kCopyConnections, kFlushReal };
  Kind kind = Kind::kCopyConnections;
  RealId real = kNoReal;       // kFlushReal
  uint32_t position = 0;       // entry to go on from; where the worker stopped
  Connection* copies = nullptr;  // kCopyConnections: room for `capacity`
  uint32_t capacity = 0;
  uint32_t copied = 0;
  uint64_t flushed = 0;
  Tick now = 0;         // the worker's clock at the end
  bool at_end = false;  // the whole table was walked
  std::atomic<bool> done{false};
};

// A next hop to be resolved, in one ring element of eight bytes.
struct ResolveElement {
  Be32 address;
  uint16_t port;
  uint16_t padding = 0;
};
static_assert(sizeof(ResolveElement) == 8);

struct alignas(64) Worker {
  uint32_t index = 0;
  uint32_t count = 1;  // of workers
  PollMode poll_mode = PollMode::kAdaptive;

  // Shared, written by control: the tables to read, and the grace that frees them.
  const std::atomic<const Snapshot*>* current = nullptr;
  rte_rcu_qsbr* grace = nullptr;
  // Shared, written by control: connections on each real, all other workers' (overhead units). May be nullptr.
  const std::atomic<uint64_t>* other_loads = nullptr;

  // Which worker a reply reaches; nullptr with one worker, which every reply reaches.
  const Steering* steering = nullptr;

  ConnectionTable connections;
  RealCounters* real_counters = nullptr;  // kMaxReals
  Cursor* cursors = nullptr;              // kMaxServices

  rte_mempool* pool = nullptr;
  std::array<WorkerPort, kMaxPorts> ports{};
  uint32_t port_count = 0;  // ports 0..port_count-1 may be present
  rte_ring* inbox = nullptr;  // packets that other workers hand off
  std::array<rte_ring*, kMaxWorkers> inboxes{};
  rte_ring* resolve_requests = nullptr;  // of ResolveElement; many producers
  WaitingRoom waiting;
  TokenBudget answers;  // ICMP errors of ours, so that nobody makes us an amplifier
  TokenBudget punts;    // packets of no connection for a service, which Linux resets

  // The clock: TSC cycles, and milliseconds since the worker's start.
  uint64_t cycles_per_ms = 1;
  uint64_t last_tick_cycles = 0;
  Tick now = 0;

  uint32_t sweep_position = 0;
  uint32_t sweep_owed = 0;  // entries that expiry should have looked at by now
  uint32_t evict_position = 0;
  LocalPortSearch local_port_search;
  uint16_t next_ip_id = 0;  // of tunnels' outer headers

  Burst burst;

  // Shared with control.
  alignas(64) std::atomic<bool> stop{false};
  std::atomic<Command*> command{nullptr};
  alignas(64) WorkerCounters counters;

  Loads loads() const noexcept { return {real_counters, other_loads}; }
};

// Polls until worker.stop: receive, packet path, housekeeping, send. The worker's lcore only.
void run(Worker& worker) noexcept;

// One turn of the loop; true when there was a packet. run() is this in a loop; tests and benchmarks call it alone.
bool poll_once(Worker& worker) noexcept;

}  // namespace shunt::dataplane
