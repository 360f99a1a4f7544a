// Whether a checksum that came is right. Worker only.
#pragma once

#include <rte_ip.h>

#include "dataplane/headers.h"
#include "dataplane/packet.h"

namespace shunt::dataplane {

inline int verify_l4_checksum(const rte_mbuf* mbuf, const Ipv4Header* ip, uint16_t l4) noexcept {
  return rte_ipv4_udptcp_cksum_mbuf_verify(mbuf, reinterpret_cast<const rte_ipv4_hdr*>(ip), l4);
}
inline int verify_l4_checksum(const rte_mbuf* mbuf, const Ipv6Header* ip, uint16_t l4) noexcept {
  return rte_ipv6_udptcp_cksum_mbuf_verify(mbuf, reinterpret_cast<const rte_ipv6_hdr*>(ip), l4);
}

// Of TCP, by the network card's word or worked out. REQUIRES a whole packet whose TCP header follows `ip`'s own: DPDK takes
// the pseudo-header's length from the IP header, which knows no extension headers.
template <typename Header>
bool has_good_tcp_checksum(const Packet& packet, const Header* ip) noexcept {
  const uint64_t told = packet.mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  if (told == RTE_MBUF_F_RX_L4_CKSUM_GOOD) return true;
  if (told == RTE_MBUF_F_RX_L4_CKSUM_BAD) return false;
  const auto l4 = static_cast<uint16_t>(packet.l4 - rte_pktmbuf_mtod(packet.mbuf, const uint8_t*));
  return verify_l4_checksum(packet.mbuf, ip, l4) == 0;
}

}  // namespace shunt::dataplane
