// Makes a packet what its forwarding method says, and addresses its frame to the next hop. Worker only.
#pragma once

#include <cstring>

#include "dataplane/forwarding/direct.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/forwarding/tunnel.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// True: the frame is ready to leave for `hop`. False: the packet is decided.
inline bool rewrite(Worker& worker, const RealEntry& real, const Flow& flow, const NextHop& hop, Packet& packet) noexcept {
  Ipv4Header* ip = packet.ip;
  if (flow.direction == Direction::kRequest) {
    switch (real.method) {
      case Method::kDirect:
        rewrite_direct(ip);
        break;
      case Method::kTunnel:
        ip = rewrite_tunnel(packet.mbuf, ip, packet.ip_bytes, real.hop.local_address, real.address,
                            worker.next_ip_id++);
        if (ip == nullptr) [[unlikely]] {
          packet.drop(DropReason::kNoMbuf);
          return false;
        }
        break;
      case Method::kNat:
        rewrite_nat_request(*flow.connection, ip, packet.l4);
        break;
      case Method::kFullnat:
        rewrite_fullnat_request(*flow.connection, ip, packet.l4);
        break;
    }
  } else if (real.method == Method::kNat) {  // a connection with replies is of nat or fullnat
    rewrite_nat_reply(*flow.connection, ip, packet.l4);
  } else {
    rewrite_fullnat_reply(*flow.connection, ip, packet.l4);
  }
  // Both MAC addresses; the frame's type stays.
  auto* frame = reinterpret_cast<EthernetHeader*>(ip) - 1;
  std::memcpy(static_cast<void*>(frame), &hop, 2 * sizeof(MacAddress));
  return true;
}

}  // namespace shunt::dataplane
