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
// ECN by RFC 6040 (copied: the inner's CE marks travel). Returns the outer header behind a frame header of the right
// type, or nullptr when the buffer has no headroom. What follows the inner packet in the frame (Ethernet padding) is cut
// off.
inline Ipv4Header* rewrite_tunnel(rte_mbuf* mbuf, Ipv4Header* inner, uint16_t ip_bytes, Be32 from, Be32 to,
                                  uint16_t id) noexcept {
  rewrite_direct(inner);
  if (const uint32_t frame_bytes = sizeof(EthernetHeader) + uint32_t{ip_bytes}; mbuf->pkt_len != frame_bytes) {
    if (rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->pkt_len - frame_bytes)) != 0) [[unlikely]] return nullptr;
  }
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_prepend(mbuf, kTunnelOverhead));
  if (frame == nullptr) [[unlikely]] return nullptr;
  frame->type = kEtherTypeIpv4;
  auto* outer = reinterpret_cast<Ipv4Header*>(frame + 1);
  // The header as the words that it is written in, little end first; the checksum is taken on the way.
  const Be16 total = Be16::from_host(static_cast<uint16_t>(ip_bytes + kTunnelOverhead));
  const uint64_t first = uint64_t{0x45} | uint64_t{inner->tos} << 8 | uint64_t{total.raw} << 16 |
                         uint64_t{Be16::from_host(id).raw} << 32 |
                         uint64_t{static_cast<uint16_t>(inner->fragment.raw & kIpDontFragment.raw)} << 48;
  const uint32_t second = inner->ttl | uint32_t{kIpProtocolIpip} << 8;
  const uint64_t addresses = from.raw | uint64_t{to.raw} << 32;
  const auto checksum = static_cast<uint16_t>(~fold(add_with_carry(add_with_carry(first, addresses), second)));
  const uint32_t second_with_checksum = second | uint32_t{checksum} << 16;
  std::memcpy(static_cast<void*>(outer), &first, 8);
  std::memcpy(&outer->ttl, &second_with_checksum, 4);
  std::memcpy(static_cast<void*>(&outer->source), &addresses, 8);
  return outer;
}

}  // namespace shunt::dataplane
