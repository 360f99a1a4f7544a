// Makes a packet what its forwarding method says, and addresses its frame to the next hop. Worker only.
#pragma once

#include <cstring>

#include "dataplane/client_address/carry.h"
#include "dataplane/family.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/forwarding/tunnel.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// nullptr: the buffer has no room.
template <typename Ip>
[[gnu::always_inline]] inline EthernetHeader* wrap(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                                                   const Packet& packet, typename Ip::Header* ip) noexcept {
  const Wrapping wrapping{.ip_bytes = packet.ip_bytes,
                          .id = worker.next_ip_id++,
                          .entropy = static_cast<uint32_t>(packet.hash),
                          .kept_fragment_bits = snapshot.sysctls.pmtu_disc * uint32_t{kIpDontFragment.raw},
                          .from = real.local_address,
                          .to = real.address};
  if (real.tunnel == TunnelKind::kIpip && real.address.family == Ip::kFamily) [[likely]] {
    return rewrite_ipip(packet.mbuf, ip, wrapping);
  }
  return rewrite_tunnel(packet.mbuf, ip, real.tunnel, real.tunnel_port, wrapping);
}

// Both MAC addresses; the frame's type stays.
inline void address_frame(const WayOut& way, EthernetHeader* frame) noexcept {
  std::memcpy(static_cast<void*>(frame), &way, 2 * sizeof(MacAddress));
}

// True: the frame is ready to leave by `way`. False: the packet is decided.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline bool rewrite(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                                           const Flow<Ip>& flow, const WayOut& way, Packet& packet) noexcept {
  auto* ip = Ip::header_of(packet);
  auto* frame = reinterpret_cast<EthernetHeader*>(ip) - 1;
  if constexpr (kDirection == Direction::kRequest) {
    // Asked for in turn, so that `direct` costs the least; a sixth method must be asked for, too.
    static_assert(kMethods == 5);
    if (real.method == Method::kDirect) {
      rewrite_direct(ip);
    } else if (real.method == Method::kNat) {
      rewrite_nat_request(*flow.connection, real, ip, packet);
    } else if (is_mirrored(real.method)) {
      if (carries(*flow.connection)) [[unlikely]] {
        frame = carry_request<Ip>(worker, way, *flow.connection, packet);
        if (frame == nullptr) return false;
      } else {
        rewrite_fullnat_request(*flow.connection, ip, packet);
      }
    } else {
      frame = wrap<Ip>(worker, snapshot, real, packet, ip);
      if (frame == nullptr) [[unlikely]] {
        packet.drop(DropReason::kNoMbuf);
        return false;
      }
    }
  } else if (real.method == Method::kNat) {  // a connection with replies is of nat, fullnat or snat
    rewrite_nat_reply(*flow.connection, ip, packet);
  } else if (carries(*flow.connection)) [[unlikely]] {
    carry_reply<Ip>(worker, real, *flow.connection, packet);
  } else {
    rewrite_fullnat_reply(*flow.connection, ip, packet);
  }
  address_frame(way, frame);
  return true;
}

}  // namespace shunt::dataplane
