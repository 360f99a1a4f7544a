// Makes a packet what its forwarding method says, and addresses its frame to the next hop. Worker only.
#pragma once

#include "dataplane/forwarding/direct.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/forwarding/tunnel.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

inline void rewrite_request(Worker& worker, const RealEntry& real, const NextHop& hop, Packet& packet) noexcept {
  switch (real.method) {
    case Method::kDirect:
      return rewrite_direct(packet.ip);
    case Method::kTunnel:
      packet.ip = rewrite_tunnel(packet.mbuf, packet.ip, packet.ip_bytes, hop.local_address, real.address,
                                 worker.next_ip_id++);
      if (packet.ip == nullptr) [[unlikely]] packet.drop(DropReason::kNoMbuf);
      return;
    case Method::kNat:
      return rewrite_nat_request(*packet.connection, packet.ip, packet.l4);
    case Method::kFullnat:
      return rewrite_fullnat_request(*packet.connection, packet.ip, packet.l4);
  }
}

// A connection with replies is of nat or fullnat.
inline void rewrite_reply(Packet& packet) noexcept {
  if (packet.connection->method == Method::kNat) rewrite_nat_reply(*packet.connection, packet.ip, packet.l4);
  else rewrite_fullnat_reply(*packet.connection, packet.ip, packet.l4);
}

// The packet is on its way afterwards (kForward), or dropped.
inline void rewrite(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Packet& packet) noexcept {
  const NextHop& hop = snapshot.next_hops.hops[packet.next_hop.index];
  if (packet.direction == Direction::kRequest) {
    rewrite_request(worker, real, hop, packet);
    if (!packet.undecided()) [[unlikely]] return;
  } else {
    rewrite_reply(packet);
  }
  auto* frame = reinterpret_cast<EthernetHeader*>(packet.ip) - 1;
  frame->destination = hop.destination_mac;
  frame->source = hop.source_mac;
  frame->type = kEtherTypeIpv4;
  packet.verdict = Verdict::kForward;
}

}  // namespace shunt::dataplane
