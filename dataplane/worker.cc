#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/expiry.h"
#include "dataplane/find.h"
#include "dataplane/fragments.h"
#include "dataplane/housekeeping.h"
#include "dataplane/limits.h"
#include "dataplane/journey.h"
#include "dataplane/probe.h"
#include "dataplane/settle.h"
#include "dataplane/vlan.h"

namespace shunt::dataplane {
namespace {

// An idle worker in adaptive mode sleeps after this many empty polls, first shortly, then longer each time: a first
// packet waits at most the longest sleep and the timer's slack, and a packet now and then (health checks) does not
// keep a core busy.
constexpr uint32_t kPollsBeforeSleep = 512;
constexpr uint32_t kSleepStepUs = 10;
constexpr uint32_t kLongestSleepUs = 250;

void take_in(Worker& worker, const Snapshot& snapshot, rte_mbuf** mbufs, uint32_t count, bool handed_off) noexcept {
  Burst& burst = worker.burst;
  burst.count = count;
  for (uint32_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
  for (uint32_t i = 0; i < count; ++i) {
    Packet& packet = burst.packets[i];
    packet.mbuf = mbufs[i];
    packet.in_port = mbufs[i]->port;
    packet.handed_off = handed_off;
  }
  journey(worker, snapshot, burst);
}

uint32_t poll_ports(Worker& worker, const Snapshot& snapshot) noexcept {
  uint32_t received = 0;
  const auto wanted = static_cast<uint16_t>(burst_size(worker));
  rte_mbuf* mbufs[kBurst];
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    const WorkerPort& port = worker.ports[id];
    if (!port.present) continue;
    uint16_t count = rte_eth_rx_burst(id, port.queue, mbufs, wanted);
    if (count == 0) continue;
    worker.counters.rx_packets.add(count);
    worker.counters.bursts.add(1);
    received += count;
    // Not every driver says so itself (net_ring), and hand-offs are told by it.
    for (uint16_t i = 0; i < count; ++i) mbufs[i]->port = id;
    if (port.vlan != 0) count = take_tags_off(worker, port, mbufs, count);
    take_in(worker, snapshot, mbufs, count, false);
  }
  return received;
}

// What other workers handed off.
uint32_t poll_inbox(Worker& worker, const Snapshot& snapshot) noexcept {
  if (worker.inbox == nullptr) return 0;
  rte_mbuf* mbufs[kBurst];
  const uint32_t count = rte_ring_dequeue_burst(worker.inbox, reinterpret_cast<void**>(mbufs), burst_size(worker), nullptr);
  if (count > 0) take_in(worker, snapshot, mbufs, count, true);
  return count;
}

// Linux's frames leave as they are, but for health checks' probes.
uint32_t poll_kernel_ports(Worker& worker, const Snapshot& snapshot) noexcept {
  uint32_t taken = 0;
  rte_mbuf* mbufs[kBurst];
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    rte_ring* ring = worker.ports[id].from_kernel;
    if (ring == nullptr) continue;
    const uint32_t count = rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(mbufs), kBurst, nullptr);
    if (worker.taps != nullptr) [[unlikely]] watch_linux_frames(worker, id, mbufs, count);
    for (uint32_t i = 0; i < count; ++i) {
      if (probed_by(mbufs[i]) == kNoReal) queue_frame(worker, id, mbufs[i]);
      else send_probe(worker, snapshot, id, mbufs[i]);
    }
    taken += count;
  }
  return taken;
}

void rest(uint32_t empty_polls) noexcept {
  if (empty_polls < kPollsBeforeSleep) return rte_pause();
  rte_delay_us_sleep(std::min((empty_polls - kPollsBeforeSleep + 1) * kSleepStepUs, kLongestSleepUs));
}

}  // namespace

bool poll_once(Worker& worker) noexcept {
  const bool new_ms = advance_clock(worker);
  const Snapshot& snapshot = *worker.current->load(std::memory_order_acquire);
  uint32_t packets = poll_ports(worker, snapshot);
  packets += poll_inbox(worker, snapshot);
  packets += poll_kernel_ports(worker, snapshot);
  sweep(worker, packets > 0);
  if (new_ms || packets == 0) {
    serve_waiting_room(worker, snapshot);
    expire_fragments(worker);
    defend(worker, snapshot);
    expire_reals(worker, snapshot);
    return_places(worker, snapshot);
    worker.counters.connections.set(worker.connections.used());
    worker.counters.ipv6_connections.set(worker.connections6.used());
    worker.counters.snapshot_version.set(snapshot.version);
    worker.counters.clock.set(worker.now);
  }
  serve_command(worker, snapshot);
  flush_ports(worker);
  worker.counters.polls.add(1);
  return packets > 0;
}

void run(Worker& worker) noexcept {
  rte_rcu_qsbr_thread_online(worker.grace, worker.index);
  worker.last_tick_cycles = rte_rdtsc();
  uint32_t empty_polls = 0;
  uint64_t before = rte_rdtsc();
  while (!worker.stop.load(std::memory_order_relaxed)) {
    const bool busy = poll_once(worker);
    rte_rcu_qsbr_quiescent(worker.grace, worker.index);
    const uint64_t after = rte_rdtsc();
    (busy ? worker.counters.busy_cycles : worker.counters.idle_cycles).add(after - before);
    before = after;
    empty_polls = busy ? 0 : std::min(empty_polls + 1, kPollsBeforeSleep + kLongestSleepUs);
    if (!busy && worker.poll_mode == PollMode::kAdaptive) rest(empty_polls);
  }
  rte_rcu_qsbr_thread_offline(worker.grace, worker.index);
}

}  // namespace shunt::dataplane
