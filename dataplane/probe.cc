#include "dataplane/probe.h"

#include "dataplane/family.h"
#include "dataplane/parse.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

// True: it was sent. It waits for nothing: who probes asks again, and no other real is to answer in this one's place.
template <typename Ip>
bool forward_probe(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Packet& packet) noexcept {
  const Flow<Ip> flow{nullptr, probed_by(packet.mbuf), Direction::kRequest};
  const WayOut* way = route<Direction::kRequest>(worker, snapshot, real, flow, packet);
  if (way == nullptr) {
    if (packet.verdict != Verdict::kDrop) {
      packet.drop(packet.verdict == Verdict::kWait ? DropReason::kNoNeighbour : DropReason::kTooBig);
    }
    return false;
  }
  if (!rewrite<Direction::kRequest>(worker, snapshot, real, flow, *way, packet)) return false;
  queue_frame(worker, way->port, packet.mbuf);
  return true;
}

}  // namespace

void send_probe(Worker& worker, const Snapshot& snapshot, uint16_t port, rte_mbuf* mbuf) noexcept {
  Packet& packet = worker.burst.packets[0];
  packet.mbuf = mbuf;
  packet.in_port = port;
  packet.handed_off = true;
  const RealId id = probed_by(mbuf);
  rte_pktmbuf_mtod(mbuf, EthernetHeader*)->destination = worker.ports[port].mac();
  // Its slot may be another's by now.
  if (id.index >= snapshot.reals.size()) return drop(worker, mbuf, DropReason::kNoRealLeft);
  const RealEntry& real = snapshot.reals[id.index];
  if (real.method != Method::kDirect && real.method != Method::kTunnel) return drop(worker, mbuf, DropReason::kNoRealLeft);
  parse(worker, snapshot, packet);
  packet.hash = id.index;
  const bool sent = is_on_its_way<Ipv4>(packet) ? forward_probe<Ipv4>(worker, snapshot, real, packet)
                                                : is_on_its_way<Ipv6>(packet) && forward_probe<Ipv6>(worker, snapshot, real, packet);
  if (sent) return;
  if (packet.verdict != Verdict::kDrop) packet.drop(DropReason::kNotSchedulable);
  drop(worker, packet.mbuf, packet.reason);
}

}  // namespace shunt::dataplane
