#include "dataplane/settle.h"

#include <rte_ethdev.h>

#include "dataplane/fragments.h"
#include "dataplane/vlan.h"

namespace shunt::dataplane {
namespace {

// How long a packet may wait for its next hop's MAC address; Linux gives up after about three seconds, TCP's first
// retransmission comes after one.
constexpr Tick kWaitMs = 1000;

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

void start_anew(Worker& worker, rte_mbuf* mbuf) noexcept {
  if (worker.inbox == nullptr || rte_ring_enqueue(worker.inbox, mbuf) != 0) {
    drop(worker, mbuf, DropReason::kHandOffFull);
  }
}

void flush_port(Worker& worker, uint16_t id) noexcept {
  WorkerPort& port = worker.ports[id];
  const uint32_t count = port.vlan == 0 ? port.tx_count : put_tags_on(worker, port);
  const uint32_t sent = port.present ? rte_eth_tx_burst(id, port.queue, port.tx.data(), static_cast<uint16_t>(count)) : 0;
  worker.counters.tx_packets.add(sent);
  const DropReason reason = port.present ? DropReason::kTxFull : DropReason::kPortDown;
  for (uint32_t i = sent; i < count; ++i) drop(worker, port.tx[i], reason);
  port.tx_count = 0;
}

void flush_ports(Worker& worker) noexcept {
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    if (worker.ports[id].tx_count > 0) flush_port(worker, id);
  }
}

void settle(Worker& worker, const Packet& packet) noexcept {
  switch (packet.verdict) {
    case Verdict::kKernel:
      return to_kernel(worker, packet);
    case Verdict::kHandOff:
      return to_other_worker(worker, packet);
    case Verdict::kWait:
      return to_waiting_room(worker, packet);
    case Verdict::kHold:
      return hold_fragment(worker, packet);
    case Verdict::kPieces:
      return rte_pktmbuf_free(packet.mbuf);
    case Verdict::kAnswer:
      return queue_frame(worker, packet.in_port, packet.mbuf);
    case Verdict::kUndecidedIpv4:  // cannot be: whoever does not send a packet on decides it
    case Verdict::kUndecidedIpv6:
    case Verdict::kIcmpErrorIpv4:
    case Verdict::kIcmpErrorIpv6:
    case Verdict::kDrop:
      return drop(worker, packet.mbuf, packet.reason);
  }
}

}  // namespace shunt::dataplane
