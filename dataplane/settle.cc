#include "dataplane/settle.h"

#include <rte_ethdev.h>

namespace shunt::dataplane {
namespace {

// How long a packet may wait for its next hop's MAC address; Linux gives up after about three seconds, TCP's first
// retransmission comes after one.
constexpr Tick kWaitMs = 1000;

[[gnu::noinline]] void flush(Worker& worker, uint16_t id, WorkerPort& port) noexcept {
  const uint16_t sent = rte_eth_tx_burst(id, port.queue, port.tx.data(), static_cast<uint16_t>(port.tx_count));
  worker.counters.tx_packets.add(sent);
  for (uint32_t i = sent; i < port.tx_count; ++i) drop(worker, port.tx[i], DropReason::kTxFull);
  port.tx_count = 0;
}

void to_kernel(Worker& worker, const Packet& packet) noexcept {
  rte_ring* ring = worker.ports[packet.in_port].to_kernel;
  if (ring == nullptr) return drop(worker, packet.mbuf, DropReason::kNoKernelPort);
  if (rte_ring_enqueue(ring, packet.mbuf) != 0) return drop(worker, packet.mbuf, DropReason::kKernelPortFull);
  worker.counters.kernel_packets.add(1);
}

void to_other_worker(Worker& worker, const Packet& packet) noexcept {
  if (rte_ring_enqueue(worker.inboxes[packet.owner], packet.mbuf) != 0) {
    return drop(worker, packet.mbuf, DropReason::kHandOffFull);
  }
  worker.counters.handed_off_packets.add(1);
}

void to_waiting_room(Worker& worker, const Packet& packet) noexcept {
  WaitingRoom& room = worker.waiting;
  if (room.count == WaitingRoom::kPlaces) return drop(worker, packet.mbuf, DropReason::kWaitingRoomFull);
  room.places[room.count++] = {packet.mbuf, worker.now + kWaitMs, packet.in_port};
}

}  // namespace

void drop(Worker& worker, rte_mbuf* mbuf, DropReason reason) noexcept {
  worker.counters.drops[static_cast<size_t>(reason)].add(1);
  rte_pktmbuf_free(mbuf);
}

void queue_frame(Worker& worker, uint16_t id, rte_mbuf* mbuf) noexcept {
  WorkerPort& port = worker.ports[id];
  if (!port.present) [[unlikely]] return drop(worker, mbuf, DropReason::kPortDown);
  port.tx[port.tx_count++] = mbuf;
  if (port.tx_count == WorkerPort::kTxBuffer) flush(worker, id, port);
}

void flush_ports(Worker& worker) noexcept {
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    WorkerPort& port = worker.ports[id];
    if (port.tx_count > 0) flush(worker, id, port);
  }
}

void settle(Worker& worker, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    if (packet.verdict == Verdict::kForward) [[likely]] {
      queue_frame(worker, packet.out_port, packet.mbuf);
      continue;
    }
    switch (packet.verdict) {
      case Verdict::kKernel:
        to_kernel(worker, packet);
        break;
      case Verdict::kHandOff:
        to_other_worker(worker, packet);
        break;
      case Verdict::kWait:
        to_waiting_room(worker, packet);
        break;
      case Verdict::kForward:
      case Verdict::kUndecided:  // neither can be: rewrite() decides every packet
      case Verdict::kDrop:
        drop(worker, packet.mbuf, packet.reason);
        break;
    }
  }
}

}  // namespace shunt::dataplane
