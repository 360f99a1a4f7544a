// `tunnel`: the packet travels to the real inside another packet, of either family; the real unwraps it, owns the VIP
// and answers the client itself. IP in IP of one family, by far the most, is here; the other kinds are in tunnel.cc.
#pragma once

#include <rte_mbuf.h>

#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/headers.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// Bytes that a tunnel of this kind to a real of this family puts in front of a packet.
constexpr uint32_t tunnel_overhead(AddressFamily outer, TunnelKind kind) noexcept {
  const uint32_t ip = outer == AddressFamily::kIpv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  switch (kind) {
    case TunnelKind::kIpip: return ip;
    case TunnelKind::kGre: return ip + sizeof(GreHeader);
    case TunnelKind::kGreChecksum: return ip + sizeof(GreHeader) + sizeof(GreChecksum);
    case TunnelKind::kGue:
    case TunnelKind::kGueChecksum: return ip + sizeof(UdpHeader) + sizeof(GueHeader);
  }
  return ip;
}

// What the headers around one packet of `ip_bytes` say.
struct Wrapping {
  uint16_t ip_bytes;
  uint16_t id;       // an outer IPv4 header's: any that differs from the ones before
  uint32_t entropy;  // the same for all packets of a flow
  // Of an inner IPv4 header, as they lie in it, that an outer one takes over: DF, or none with sysctl pmtu_disc 0.
  uint32_t kept_fragment_bits;
  const IpAddress& from;
  const IpAddress& to;
};

namespace tunnelling {

// Makes room for `added` bytes in front of an IP packet of `ip_bytes`, and cuts off what follows it in the frame
// (Ethernet padding). False: no headroom, or a padding longer than the last buffer.
[[gnu::always_inline]] inline bool make_room(rte_mbuf* mbuf, uint32_t added, uint16_t ip_bytes) noexcept {
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

// The number by which an IP header calls a packet of this header inside of it.
constexpr uint8_t protocol_of(const Ipv4Header*) noexcept { return kIpProtocolIpip; }
constexpr uint8_t protocol_of(const Ipv6Header*) noexcept { return kIpProtocolIpv6; }

// What an outer header takes over: hops, DSCP and DF are the inner's (ip_vs_xmit.c ip_vs_prepare_tunneled_skb,
// IPv6 knows no DF, and none is set for it), ECN by RFC 6040 (copied: the inner's CE marks travel).
inline uint8_t hops_of(const Ipv4Header* inner) noexcept { return inner->ttl; }
inline uint8_t hops_of(const Ipv6Header* inner) noexcept { return inner->hop_limit; }
inline uint32_t traffic_class_of(const Ipv4Header* inner) noexcept { return inner->tos; }
inline uint32_t traffic_class_of(const Ipv6Header* inner) noexcept {
  return inner->version_class_flow.host() >> 20 & 0xffu;
}
inline uint32_t fragment_bits_of(const Ipv4Header* inner) noexcept { return inner->fragment.raw; }
inline uint32_t fragment_bits_of(const Ipv6Header*) noexcept { return 0; }
// The flow label is the inner's, or one of the flow's own (RFC 6438): who spreads by it keeps flows together.
inline Be32 version_class_flow_of(const Ipv6Header* inner, uint32_t) noexcept { return inner->version_class_flow; }
inline Be32 version_class_flow_of(const Ipv4Header* inner, uint32_t entropy) noexcept {
  return Be32::from_host(0x60000000u | traffic_class_of(inner) << 20 | (entropy & 0xfffffu));
}

// The outer header in front of `payload` bytes of `protocol`.
template <typename Inner>
[[gnu::always_inline]] inline void write_outer(Ipv4Header* outer, const Inner* inner, uint8_t protocol, uint32_t payload,
                                               const Wrapping& wrapping) noexcept {
  const Be32 from = wrapping.from.v4();
  const Be32 to = wrapping.to.v4();
  // The header as the words that it is written in, little end first; the checksum is taken on the way.
  const Be16 total = Be16::from_host(static_cast<uint16_t>(payload + sizeof *outer));
  const uint32_t version_to_total = 0x45u | traffic_class_of(inner) << 8 | uint32_t{total.raw} << 16;
  const uint32_t id_and_fragment = Be16::from_host(wrapping.id).raw | (fragment_bits_of(inner) & wrapping.kept_fragment_bits) << 16;
  const uint32_t ttl_and_protocol = hops_of(inner) | uint32_t{protocol} << 8;
  const uint64_t sum = uint64_t{version_to_total} + id_and_fragment + ttl_and_protocol + from.raw + to.raw;
  const uint32_t with_checksum = ttl_and_protocol | uint32_t{static_cast<uint16_t>(~fold(sum))} << 16;
  std::memcpy(static_cast<void*>(outer), &version_to_total, 4);
  std::memcpy(static_cast<void*>(&outer->id), &id_and_fragment, 4);
  std::memcpy(&outer->ttl, &with_checksum, 4);
  outer->source = from;
  outer->destination = to;
}

template <typename Inner>
[[gnu::always_inline]] inline void write_outer(Ipv6Header* outer, const Inner* inner, uint8_t protocol, uint32_t payload,
                                               const Wrapping& wrapping) noexcept {
  outer->version_class_flow = version_class_flow_of(inner, wrapping.entropy);
  outer->payload_length = Be16::from_host(static_cast<uint16_t>(payload));
  outer->next_header = protocol;
  outer->hop_limit = hops_of(inner);
  outer->source = wrapping.from.bytes;
  outer->destination = wrapping.to.bytes;
}

// The place of the frame's header in front of an outer one, its type written.
inline EthernetHeader* frame_of(Ipv4Header* outer) noexcept {
  auto* frame = reinterpret_cast<EthernetHeader*>(outer) - 1;
  frame->type = kEtherTypeIpv4;
  return frame;
}
inline EthernetHeader* frame_of(Ipv6Header* outer) noexcept {
  auto* frame = reinterpret_cast<EthernetHeader*>(outer) - 1;
  frame->type = kEtherTypeIpv6;
  return frame;
}

}  // namespace tunnelling

// Wraps a packet into another of its own family (RFC 2003, RFC 2473). The frame that leaves, its addresses yet to be
// written, or nullptr when the buffer has no room.
template <typename Header>
[[gnu::always_inline]] inline EthernetHeader* rewrite_ipip(rte_mbuf* mbuf, Header* inner,
                                                           const Wrapping& wrapping) noexcept {
  if (!tunnelling::make_room(mbuf, sizeof(Header), wrapping.ip_bytes)) [[unlikely]] return nullptr;
  pass_on(inner);
  Header* outer = inner - 1;
  tunnelling::write_outer(outer, inner, tunnelling::protocol_of(inner), wrapping.ip_bytes, wrapping);
  return tunnelling::frame_of(outer);
}

// The same of any kind, into a packet of the family of wrapping.to; GUE goes to `port`.
template <typename Header>
EthernetHeader* rewrite_tunnel(rte_mbuf* mbuf, Header* inner, TunnelKind kind, Be16 port,
                               const Wrapping& wrapping) noexcept;

}  // namespace shunt::dataplane
