#include "dataplane/rewrite.h"

#include "dataplane/forwarding/direct.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/forwarding/tunnel.h"

namespace shunt::dataplane {
namespace {

void rewrite_request(Worker& worker, Method method, Be32 real, const NextHop& hop, Packet& packet) noexcept {
  switch (method) {
    case Method::kDirect:
      rewrite_direct(packet.ip);
      return;
    case Method::kTunnel:
      packet.ip = rewrite_tunnel(packet.mbuf, packet.ip, packet.ip_bytes, hop.local_address, real,
                                 worker.next_ip_id++);
      if (packet.ip == nullptr) packet.drop(DropReason::kNoMbuf);
      return;
    case Method::kNat:
      rewrite_nat_request(*packet.connection, packet.ip, packet.l4);
      return;
    case Method::kFullnat:
      rewrite_fullnat_request(*packet.connection, packet.ip, packet.l4);
      return;
  }
}

void rewrite_reply(Packet& packet) noexcept {
  if (packet.connection->method == Method::kNat) rewrite_nat_reply(*packet.connection, packet.ip, packet.l4);
  else rewrite_fullnat_reply(*packet.connection, packet.ip, packet.l4);
}

}  // namespace

void rewrite(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    const NextHop& hop = snapshot.next_hops.hops[packet.next_hop.index];
    if (packet.direction == Direction::kRequest) {
      const RealEntry& real = snapshot.reals[packet.real.index];
      rewrite_request(worker, real.method, real.address, hop, packet);
      if (!packet.undecided()) continue;
    } else {
      rewrite_reply(packet);
    }
    auto* frame = reinterpret_cast<EthernetHeader*>(packet.ip) - 1;
    frame->destination = hop.destination_mac;
    frame->source = hop.source_mac;
    frame->type = kEtherTypeIpv4;
    packet.verdict = Verdict::kForward;
  }
}

}  // namespace shunt::dataplane
