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
#include "dataplane/headers.h"
#include "dataplane/local_ports.h"
#include "dataplane/packet.h"
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/scheduler.h"
#include "dataplane/snapshot.h"
#include "dataplane/steering.h"
#include "dataplane/token_budget.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// A port as one worker uses it. Its index in Worker::ports is the DPDK port id.
struct WorkerPort {
  // How a plain IPv4 frame for this port begins, up to what differs from one to the next (parse.h).
  struct alignas(32) Ipv4Frame {
    MacAddress mac;  // the port's own
    uint8_t source[6] = {};
    Be16 type = kEtherTypeIpv4;
    uint8_t version_ihl = 0x45;
    uint8_t rest[17] = {};
  };
  static_assert(sizeof(Ipv4Frame) == 32);
  Ipv4Frame ipv4_frame;
  uint16_t queue = 0;  // RX and TX queue of this worker
  bool present = false;
  // Frames for Linux: many producers, one consumer; nullptr: the port has no kernel port.
  rte_ring* to_kernel = nullptr;
  // Frames from Linux to send; nullptr: another worker sends them.
  rte_ring* from_kernel = nullptr;
  MacAddress& mac() noexcept { return ipv4_frame.mac; }
  const MacAddress& mac() const noexcept { return ipv4_frame.mac; }

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
  AddressFamily family = AddressFamily::kIpv4;  // table to go on in: first IPv4's, then IPv6's
  uint32_t position = 0;                        // entry to go on from; where the worker stopped
  ConnectionCopy* copies = nullptr;             // kCopyConnections: room for `capacity`
  uint32_t capacity = 0;
  uint32_t copied = 0;
  uint64_t flushed = 0;
  bool at_end = false;  // both tables were walked
  std::atomic<bool> done{false};
};

// A next hop to be resolved, as a ring's element.
struct alignas(4) ResolveElement {
  IpAddress address;
  uint16_t port = 0;
};
static_assert(sizeof(ResolveElement) == 20);

// Where expiry is in its walk through a table.
struct Upkeep {
  uint32_t sweep_position = 0;
  uint32_t sweep_owed = 0;  // entries that it should have looked at by now
  uint32_t evict_position = 0;
};

struct alignas(64) Worker {
  uint32_t index = 0;
  uint32_t count = 1;  // of workers
  PollMode poll_mode = PollMode::kAdaptive;

  // Shared, written by control: the tables to read, and the grace that frees them.
  const std::atomic<const Snapshot*>* current = nullptr;
  rte_rcu_qsbr* grace = nullptr;
  // Shared, written by control: connections on each real, all other workers' (Counts::packed). May be nullptr.
  const std::atomic<uint64_t>* other_loads = nullptr;

  // Which worker a reply reaches; nullptr with one worker, which every reply reaches.
  const Steering* steering = nullptr;

  ConnectionTable connections;    // IPv4
  ConnectionTable6 connections6;  // IPv6
  RealCounters* real_counters = nullptr;  // kMaxReals
  Cursor* cursors = nullptr;              // kMaxServices
  LoadTrees load_trees;

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

  Upkeep upkeep;   // of connections
  Upkeep upkeep6;  // of connections6
  LocalPortSearch local_port_search;
  uint16_t next_ip_id = 0;  // of tunnels' outer headers

  Burst burst;

  // Shared with control.
  alignas(64) std::atomic<bool> stop{false};
  std::atomic<Command*> command{nullptr};
  // Another number whenever control has written other_loads.
  std::atomic<uint32_t> loads_epoch{0};
  alignas(64) WorkerCounters counters;

  Loads loads() const noexcept {
    return {real_counters, other_loads, loads_epoch.load(std::memory_order_acquire)};
  }
};

// A family's table (Ip: Ipv4 or Ipv6 of family.h), and how far its upkeep is.
template <typename Ip>
auto& connections_of(Worker& worker) noexcept {
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) return worker.connections;
  else return worker.connections6;
}
template <typename Ip>
Upkeep& upkeep_of(Worker& worker) noexcept {
  return Ip::kFamily == AddressFamily::kIpv4 ? worker.upkeep : worker.upkeep6;
}

// Polls until worker.stop: receive, packet path, housekeeping, send. The worker's lcore only.
void run(Worker& worker) noexcept;

// One turn of the loop; true when there was a packet. run() is this in a loop; tests and benchmarks call it alone.
bool poll_once(Worker& worker) noexcept;

}  // namespace shunt::dataplane
