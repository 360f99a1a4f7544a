// Makes a packet what its forwarding method says, and addresses its frame to the next hop. Worker only.
#pragma once

#include <cstring>

#include "dataplane/family.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/forwarding/tunnel.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

inline Ipv4Header* wrap(Worker& worker, const RealEntry& real, const Packet& packet, Ipv4Header* ip) noexcept {
  return rewrite_tunnel(packet.mbuf, ip, packet.ip_bytes, real.local_address.v4(), real.address.v4(),
                        worker.next_ip_id++);
}
inline Ipv6Header* wrap(Worker&, const RealEntry& real, const Packet& packet, Ipv6Header* ip) noexcept {
  return rewrite_tunnel(packet.mbuf, ip, packet.ip_bytes, real.local_address, real.address);
}

// True: the frame is ready to leave by `way`. False: the packet is decided.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline bool rewrite(Worker& worker, const RealEntry& real, const Flow<Ip>& flow,
                                           const WayOut& way, Packet& packet) noexcept {
  auto* ip = Ip::header_of(packet);
  if constexpr (kDirection == Direction::kRequest) {
    // Asked for in turn, so that `direct` costs the least; a fifth method must be asked for, too.
    static_assert(kMethods == 4);
    if (real.method == Method::kDirect) {
      rewrite_direct(ip);
    } else if (real.method == Method::kNat) {
      rewrite_nat_request(*flow.connection, real, ip, packet.l4);
    } else if (real.method == Method::kFullnat) {
      rewrite_fullnat_request(*flow.connection, ip, packet.l4);
    } else {
      ip = wrap(worker, real, packet, ip);
      if (ip == nullptr) [[unlikely]] {
        packet.drop(DropReason::kNoMbuf);
        return false;
      }
    }
  } else if (real.method == Method::kNat) {  // a connection with replies is of nat or fullnat
    rewrite_nat_reply(*flow.connection, ip, packet.l4);
  } else {
    rewrite_fullnat_reply(*flow.connection, ip, packet.l4);
  }
  // Both MAC addresses; the frame's type stays.
  auto* frame = reinterpret_cast<EthernetHeader*>(ip) - 1;
  std::memcpy(static_cast<void*>(frame), &way, 2 * sizeof(MacAddress));
  return true;
}

}  // namespace shunt::dataplane
