// `tunnel`: the packet travels to the real inside another packet (IPv4: IPIP, RFC 2003; IPv6: RFC 2473); the real unwraps
// it, owns the VIP and answers the client itself.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/checksum.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// Bytes that a tunnel to a real of this family puts in front of a packet.
constexpr uint32_t tunnel_overhead(AddressFamily outer) noexcept {
  return outer == AddressFamily::kIpv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
}

// Makes room for an outer header of `added` bytes in front of an IP packet of `ip_bytes`, and cuts off what follows it in
// the frame (Ethernet padding). False: no headroom, or a padding longer than the last buffer.
inline bool make_room(rte_mbuf* mbuf, uint32_t added, uint16_t ip_bytes) noexcept {
  const uint32_t frame_bytes = sizeof(EthernetHeader) + uint32_t{ip_bytes};
  if (mbuf->nb_segs == 1) [[likely]] {
    if (mbuf->data_off < added) return false;
    mbuf->data_off = static_cast<uint16_t>(mbuf->data_off - added);
    mbuf->pkt_len = frame_bytes + added;
    mbuf->data_len = static_cast<uint16_t>(mbuf->pkt_len);
    return true;
  }
  if (mbuf->pkt_len != frame_bytes &&
      rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->pkt_len - frame_bytes)) != 0) {
    return false;
  }
  return rte_pktmbuf_prepend(mbuf, static_cast<uint16_t>(added)) != nullptr;
}

// Wraps a packet of `ip_bytes`: outer TTL, DSCP and DF are the inner's (ip_vs_xmit.c ip_vs_tunnel_xmit, pmtu_disc 1),
// ECN by RFC 6040 (copied: the inner's CE marks travel). `id`: any that differs from the ones before. Returns the outer
// header behind a frame header of the right type, or nullptr when the buffer has no room.
inline Ipv4Header* rewrite_tunnel(rte_mbuf* mbuf, Ipv4Header* inner, uint16_t ip_bytes, Be32 from, Be32 to,
                                  uint16_t id) noexcept {
  constexpr uint32_t kAdded = tunnel_overhead(AddressFamily::kIpv4);
  if (!make_room(mbuf, kAdded, ip_bytes)) [[unlikely]] return nullptr;
  pass_on(inner);
  auto* outer = inner - 1;
  (reinterpret_cast<EthernetHeader*>(outer) - 1)->type = kEtherTypeIpv4;
  // The header as the words that it is written in, little end first; the checksum is taken on the way.
  const Be16 total = Be16::from_host(static_cast<uint16_t>(ip_bytes + kAdded));
  const uint32_t version_to_total = 0x45u | uint32_t{inner->tos} << 8 | uint32_t{total.raw} << 16;
  const uint32_t id_and_fragment = Be16::from_host(id).raw | (inner->fragment.raw & uint32_t{kIpDontFragment.raw}) << 16;
  const uint32_t ttl_and_protocol = inner->ttl | uint32_t{kIpProtocolIpip} << 8;
  const uint64_t sum = uint64_t{version_to_total} + id_and_fragment + ttl_and_protocol + from.raw + to.raw;
  const uint32_t with_checksum = ttl_and_protocol | uint32_t{static_cast<uint16_t>(~fold(sum))} << 16;
  std::memcpy(static_cast<void*>(outer), &version_to_total, 4);
  std::memcpy(static_cast<void*>(&outer->id), &id_and_fragment, 4);
  std::memcpy(&outer->ttl, &with_checksum, 4);
  outer->source = from;
  outer->destination = to;
  return outer;
}

// The same of IPv6 in IPv6 (RFC 2473 section 6): hop limit, traffic class and flow label are the inner's, so that who
// spreads by flow label keeps flows together; ECN by RFC 6040.
inline Ipv6Header* rewrite_tunnel(rte_mbuf* mbuf, Ipv6Header* inner, uint16_t ip_bytes, const IpAddress& from,
                                  const IpAddress& to) noexcept {
  if (!make_room(mbuf, tunnel_overhead(AddressFamily::kIpv6), ip_bytes)) [[unlikely]] return nullptr;
  pass_on(inner);
  auto* outer = inner - 1;
  (reinterpret_cast<EthernetHeader*>(outer) - 1)->type = kEtherTypeIpv6;
  outer->version_class_flow = inner->version_class_flow;
  outer->payload_length = Be16::from_host(ip_bytes);
  outer->next_header = kIpProtocolIpv6;
  outer->hop_limit = inner->hop_limit;
  outer->source = from.bytes;
  outer->destination = to.bytes;
  return outer;
}

}  // namespace shunt::dataplane
