#include "dataplane/forwarding/tunnel.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

using tunnelling::protocol_of;

// A flow's own source port is all that tells its packets from others' on the way: of the dynamic ports (RFC 6335
// section 6), as RFC 8085 section 5.1.1 asks for.
constexpr uint16_t kFirstDynamicPort = 49152;
constexpr uint16_t flow_port_of(uint32_t entropy) noexcept {
  return static_cast<uint16_t>(kFirstDynamicPort | (entropy & (UINT16_MAX - kFirstDynamicPort)));
}

constexpr Be16 ether_type_of(const Ipv4Header*) noexcept { return kEtherTypeIpv4; }
constexpr Be16 ether_type_of(const Ipv6Header*) noexcept { return kEtherTypeIpv6; }

// The sum over the last `bytes` of a packet, which begin at `from` in its first buffer. (DPDK 22.11's rte_raw_cksum_mbuf
// loses carries of a buffer that begins at an odd place.)
uint64_t sum_to_end(const rte_mbuf* mbuf, const void* from, uint32_t bytes) noexcept {
  if (mbuf->nb_segs == 1) [[likely]] return sum_of(from, bytes);
  const uint32_t before = mbuf->pkt_len - bytes;
  uint32_t part = std::min(mbuf->data_len - before, bytes);
  uint64_t sum = sum_of(from, part);
  for (uint32_t done = part; done < bytes; done += part) {
    mbuf = mbuf->next;
    part = std::min<uint32_t>(mbuf->data_len, bytes - done);
    const uint16_t of_part = fold(sum_of(rte_pktmbuf_mtod(mbuf, const void*), part));
    sum += done % 2 == 0 ? of_part : byte_swap(of_part);
  }
  return sum;
}

// UDP's pseudo-header (RFC 768, RFC 8200 section 8.1).
uint64_t pseudo_sum_of(const Wrapping& wrapping, Be16 udp_length) noexcept {
  const uint32_t address_bytes = wrapping.to.is_v4() ? 4 : 16;
  const uint64_t length_and_protocol = uint64_t{udp_length.raw} + Be16::from_host(kIpProtocolUdp).raw;
  return sum_of(wrapping.from.bytes.data(), address_bytes,
                sum_of(wrapping.to.bytes.data(), address_bytes, length_and_protocol));
}

// What lies in front of the inner packet, and how the outer header calls it.
struct Shim {
  uint8_t protocol;
  uint32_t bytes;  // with the inner packet
};

// RFC 2784; the checksum covers all from here on.
template <typename Inner>
Shim write_gre(rte_mbuf* mbuf, Inner* inner, bool has_checksum, const Wrapping& wrapping) noexcept {
  const uint32_t header_bytes = sizeof(GreHeader) + (has_checksum ? sizeof(GreChecksum) : 0);
  const Shim shim{kIpProtocolGre, header_bytes + wrapping.ip_bytes};
  auto* gre = reinterpret_cast<GreHeader*>(reinterpret_cast<uint8_t*>(inner) - header_bytes);
  *gre = {has_checksum ? kGreHasChecksum : Be16{}, ether_type_of(inner)};
  if (!has_checksum) return shim;
  auto* checksum = reinterpret_cast<GreChecksum*>(gre + 1);
  *checksum = {};
  checksum->checksum = {static_cast<uint16_t>(~fold(sum_to_end(mbuf, gre, shim.bytes)))};
  return shim;
}

// The UDP checksum may stay out over IPv6, too, since what is inside has its own (RFC 6935, RFC 6936).
template <typename Inner>
Shim write_gue(rte_mbuf* mbuf, Inner* inner, bool has_checksum, Be16 port, const Wrapping& wrapping) noexcept {
  auto* gue = reinterpret_cast<GueHeader*>(inner) - 1;
  *gue = {0, protocol_of(inner), {}};
  auto* udp = reinterpret_cast<UdpHeader*>(gue) - 1;
  const Shim shim{kIpProtocolUdp, uint32_t{sizeof *udp + sizeof *gue} + wrapping.ip_bytes};
  const Be16 length = Be16::from_host(static_cast<uint16_t>(shim.bytes));
  *udp = {Be16::from_host(flow_port_of(wrapping.entropy)), port, length, {}};
  if (!has_checksum) return shim;
  const uint64_t sum = pseudo_sum_of(wrapping, udp->length) + sum_to_end(mbuf, udp, shim.bytes);
  const auto checksum = static_cast<uint16_t>(~fold(sum));
  udp->checksum = {checksum == 0 ? uint16_t{0xffff} : checksum};  // 0 would say that there is none
  return shim;
}

template <typename Inner>
Shim write_shim(rte_mbuf* mbuf, Inner* inner, TunnelKind kind, Be16 port, const Wrapping& wrapping) noexcept {
  switch (kind) {
    case TunnelKind::kIpip: break;
    case TunnelKind::kGre: return write_gre(mbuf, inner, false, wrapping);
    case TunnelKind::kGreChecksum: return write_gre(mbuf, inner, true, wrapping);
    case TunnelKind::kGue: return write_gue(mbuf, inner, false, port, wrapping);
    case TunnelKind::kGueChecksum: return write_gue(mbuf, inner, true, port, wrapping);
  }
  return {protocol_of(inner), wrapping.ip_bytes};
}

template <typename Outer, typename Inner>
EthernetHeader* write_outer_before(Inner* inner, const Shim& shim, const Wrapping& wrapping) noexcept {
  auto* begin = reinterpret_cast<uint8_t*>(inner) + wrapping.ip_bytes - shim.bytes;
  auto* outer = reinterpret_cast<Outer*>(begin) - 1;
  tunnelling::write_outer(outer, inner, shim.protocol, shim.bytes, wrapping);
  return tunnelling::frame_of(outer);
}

}  // namespace

template <typename Header>
EthernetHeader* rewrite_tunnel(rte_mbuf* mbuf, Header* inner, TunnelKind kind, Be16 port,
                               const Wrapping& wrapping) noexcept {
  const AddressFamily outer = wrapping.to.family;
  if (!tunnelling::make_room(mbuf, tunnel_overhead(outer, kind), wrapping.ip_bytes)) return nullptr;
  pass_on(inner);
  const Shim shim = write_shim(mbuf, inner, kind, port, wrapping);
  return outer == AddressFamily::kIpv4 ? write_outer_before<Ipv4Header>(inner, shim, wrapping)
                                       : write_outer_before<Ipv6Header>(inner, shim, wrapping);
}

template EthernetHeader* rewrite_tunnel(rte_mbuf*, Ipv4Header*, TunnelKind, Be16, const Wrapping&) noexcept;
template EthernetHeader* rewrite_tunnel(rte_mbuf*, Ipv6Header*, TunnelKind, Be16, const Wrapping&) noexcept;

}  // namespace shunt::dataplane
