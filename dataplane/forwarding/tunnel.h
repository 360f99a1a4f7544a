// `tunnel`: the packet travels to the real inside another IPv4 packet (IPIP, RFC 2003); the real unwraps it, owns
// the VIP and answers the client itself.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/checksum.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

inline constexpr uint32_t kTunnelOverhead = sizeof(Ipv4Header);

// Wraps a packet of `ip_bytes`: outer TTL, DSCP and DF are the inner's (ip_vs_xmit.c ip_vs_tunnel_xmit, pmtu_disc 1),
// ECN by RFC 6040 (copied: the inner's CE marks travel). Returns the outer header, or nullptr when the buffer has no
// headroom. What follows the inner packet in the frame (Ethernet padding) is cut off.
inline Ipv4Header* rewrite_tunnel(rte_mbuf* mbuf, Ipv4Header* inner, uint16_t ip_bytes, Be32 from, Be32 to,
                                  uint16_t id) noexcept {
  pass_on(inner);
  const uint32_t padding = mbuf->pkt_len - static_cast<uint32_t>(sizeof(EthernetHeader)) - ip_bytes;
  if (padding > 0 && rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(padding)) != 0) return nullptr;
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_prepend(mbuf, kTunnelOverhead));
  if (frame == nullptr) return nullptr;
  auto* outer = reinterpret_cast<Ipv4Header*>(frame + 1);
  *outer = {0x45,
            inner->tos,
            Be16::from_host(static_cast<uint16_t>(ip_bytes + kTunnelOverhead)),
            Be16::from_host(id),
            {static_cast<uint16_t>(inner->fragment.raw & kIpDontFragment.raw)},
            inner->ttl,
            kIpProtocolIpip,
            {},
            from,
            to};
  outer->checksum = checksum_of(outer, sizeof *outer);
  return outer;
}

}  // namespace shunt::dataplane
