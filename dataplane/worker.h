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
#include "dataplane/fragment_table.h"
#include "dataplane/ftp/control.h"
#include "dataplane/defence.h"
#include "dataplane/headers.h"
#include "dataplane/local_ports.h"
#include "dataplane/packet.h"
#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/localities.h"
#include "dataplane/schedulers/scheduler.h"
#include "dataplane/snapshot.h"
#include "dataplane/steering.h"
#include "dataplane/templates.h"
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
  // The device puts tags on itself.
  bool inserts_tags = false;
  // The VLAN of the device that this port is, 1..4094; 0: it is the device, untagged.
  uint16_t vlan = 0;
  // Frames for Linux: many producers, one consumer; nullptr: the port has no kernel port.
  rte_ring* to_kernel = nullptr;
  // Frames from Linux to send; nullptr: another worker sends them.
  rte_ring* from_kernel = nullptr;
  MacAddress& mac() noexcept { return ipv4_frame.mac; }
  const MacAddress& mac() const noexcept { return ipv4_frame.mac; }

  // Frames that wait for this poll's end.
  static constexpr uint32_t kTxBuffer = 120;
  uint32_t tx_count = 0;
  std::array<rte_mbuf*, kTxBuffer> tx{};
};
static_assert(sizeof(WorkerPort) == 1024, "a port is found by a shift");

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

struct Explanation;
struct TapSet;

// What control asks of a worker; shared. Control fills it in, publishes it in Worker::command, and owns it again
// when `done` is set.
struct Command {
  enum class Kind : uint8_t { kCopyConnections, kFlushReal, kExplain, kSetTaps };
  Kind kind = Kind::kCopyConnections;
  RealId real = kNoReal;       // kFlushReal
  AddressFamily family = AddressFamily::kIpv4;  // table to go on in: first IPv4's, then IPv6's
  uint32_t position = 0;                        // entry to go on from; where the worker stopped
  ConnectionCopy* copies = nullptr;             // kCopyConnections: room for `capacity`
  uint32_t capacity = 0;
  uint32_t copied = 0;
  uint64_t flushed = 0;
  Explanation* explanation = nullptr;  // kExplain: its question set
  const TapSet* taps = nullptr;        // kSetTaps
  bool at_end = false;  // both tables were walked
  std::atomic<bool> done{false};
};

// A next hop to be resolved, as a ring's element.
struct alignas(4) ResolveElement {
  IpAddress address;
  uint16_t port = 0;
};
static_assert(sizeof(ResolveElement) == 20);

// What a tunnel's path was found to take, as a ring's element.
struct alignas(4) PathMtuElement {
  IpAddress real;
  uint16_t mtu = 0;  // bytes of an IP packet, the tunnel's header included
};
static_assert(sizeof(PathMtuElement) == 20);

// Where expiry is in its walk through a table.
struct Upkeep {
  uint32_t sweep_position = 0;
  uint32_t sweep_owed = 0;  // entries that it should have looked at by now
  uint32_t evict_position = 0;
};

// Watched connections (outcome.h) in the order of their beginning, which is the order in which their time to be answered
// runs out: the clock's walk comes across them seconds later in a large table.
struct AwaitedAnswers {
  // Those of some seconds at 4,000 a second; one that finds no place is left to the walk.
  static constexpr uint32_t kPlaces = 16384;
  struct Place {
    uint32_t entry;  // of the family's table
    Tick created;    // of the connection: another one may have the entry by now
  };
  std::array<Place, kPlaces> places{};
  // Count up and wrap; a place's index is their rest.
  uint32_t first = 0;
  uint32_t end = 0;
};

// The walk that ends connections of removed reals: the set that it is for, and where it is.
struct ExpiryOfReals {
  uint32_t generation = 0;
  bool at_end = true;
  AddressFamily family = AddressFamily::kIpv4;
  uint32_t position = 0;
};

struct alignas(64) Worker {
  uint32_t index = 0;
  uint32_t count = 1;  // of workers
  PollMode poll_mode = PollMode::kAdaptive;

  // Shared, written by control: the tables to read, and the grace that frees them.
  const std::atomic<const Snapshot*>* current = nullptr;
  rte_rcu_qsbr* grace = nullptr;
  // Shared, written by control: what all other workers have on each real.
  SharedLoads shared_loads;

  // Shared by all workers: which real a client of a persistent service has. May be nullptr.
  TemplateTable* templates = nullptr;
  // Which worker a reply reaches; nullptr with one worker, which every reply reaches.
  const Steering* steering = nullptr;
  // Every port spreads packets as `steering` says.
  bool steered = true;
  // Who looks on (tap.h); nullptr: nobody.
  const TapSet* taps = nullptr;

  ConnectionTable connections;    // IPv4
  ConnectionTable6 connections6;  // IPv6
  RealCounters* real_counters = nullptr;  // kMaxReals
  Cursor* cursors = nullptr;              // kMaxServices
  ServiceCounters* service_counters = nullptr;  // kMaxServices
  RealOutcomes* real_outcomes = nullptr;        // kMaxReals
  LoadTrees load_trees;
  LocalityCache localities;

  rte_mempool* pool = nullptr;
  std::array<WorkerPort, kMaxPorts> ports{};
  uint32_t port_count = 0;  // ports 0..port_count-1 may be present
  rte_ring* inbox = nullptr;  // packets that other workers hand off
  std::array<rte_ring*, kMaxWorkers> inboxes{};
  rte_ring* resolve_requests = nullptr;  // of ResolveElement; many producers
  rte_ring* path_mtus = nullptr;         // of PathMtuElement; many producers
  WaitingRoom waiting;
  TokenBudget answers;  // ICMP errors of ours, so that nobody makes us an amplifier
  TokenBudget punts;    // packets of no connection for a service, which Linux resets

  // The clock: TSC cycles, and milliseconds since the worker's start.
  uint64_t cycles_per_ms = 1;
  uint64_t last_tick_cycles = 0;
  Tick now = 0;

  Upkeep upkeep;   // of connections
  Upkeep upkeep6;  // of connections6
  ExpiryOfReals expiry_of_reals;
  AwaitedAnswers awaited;   // of connections
  AwaitedAnswers awaited6;  // of connections6
  Defences defences;   // of connections
  Defences defences6;  // of connections6
  Tick next_defence = 0;
  Sysctls defended_by;  // what the defences were last judged by
  uint64_t limits_seen = 0;  // the snapshot by which return_places() went last
  Tick next_return = 0;
  LocalPortSearch local_port_search;
  uint32_t templates_position = 0;  // where upkeep of the templates goes on; of the first worker
  uint16_t next_ip_id = 0;          // of tunnels' outer headers

  Burst burst;
  FragmentTable fragments;
  Ftp ftp;
  // What a packet goes on by that is to leave no connection behind: in no table, another packet's next.
  Connection alone{};
  Connection6 alone6{};

  // Shared with control.
  alignas(64) std::atomic<bool> stop{false};
  std::atomic<Command*> command{nullptr};
  // Another number whenever control has written shared_loads.
  std::atomic<uint32_t> loads_epoch{0};
  alignas(64) WorkerCounters counters;
  // By SnatEntry::counter: new connections of a rule that found no free address and port.
  std::array<Counter, kMaxSnatRules> snat_exhausted;

  Loads loads() const noexcept {
    return Loads(real_counters, shared_loads, loads_epoch.load(std::memory_order_acquire));
  }
};

// A family's table (Ip: Ipv4 or Ipv6 of family.h), and how far its upkeep is.
template <typename Ip>
auto& connections_of(Worker& worker) noexcept {
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) return worker.connections;
  else return worker.connections6;
}
template <typename Ip>
auto& alone_of(Worker& worker) noexcept {
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) return worker.alone;
  else return worker.alone6;
}
template <typename Ip>
Upkeep& upkeep_of(Worker& worker) noexcept {
  return Ip::kFamily == AddressFamily::kIpv4 ? worker.upkeep : worker.upkeep6;
}

template <typename Ip>
AwaitedAnswers& awaited_of(Worker& worker) noexcept {
  return Ip::kFamily == AddressFamily::kIpv4 ? worker.awaited : worker.awaited6;
}

template <typename Ip>
Defences& defences_of(Worker& worker) noexcept {
  return Ip::kFamily == AddressFamily::kIpv4 ? worker.defences : worker.defences6;
}

// Polls until worker.stop: receive, packet path, housekeeping, send. The worker's lcore only.
void run(Worker& worker) noexcept;

// One turn of the loop; true when there was a packet. run() is this in a loop; tests and benchmarks call it alone.
bool poll_once(Worker& worker) noexcept;

}  // namespace shunt::dataplane
