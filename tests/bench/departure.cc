#include "tests/bench/departure.h"

#include "dataplane/checksum.h"
#include "dataplane/forwarding/tunnel.h"
#include "dataplane/headers.h"
#include "tests/bench/packets.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

// Both checksums, TTL or hop limit, and what every header of the family has.
const char* fault_of_header(const Ipv4Header& ip) noexcept {
  if (fold(sum_of(&ip, sizeof ip)) != 0xffff) return "left with a wrong IPv4 checksum";
  if (ip.ttl != kHopsAtArrival - 1) return "left with a wrong TTL";
  return nullptr;
}
const char* fault_of_header(const Ipv6Header& ip) noexcept {
  if (ip.version() != 6) return "left with a wrong IP version";
  if (ip.hop_limit != kHopsAtArrival - 1) return "left with a wrong hop limit";
  return nullptr;
}

struct Says {
  uint8_t protocol;
  uint32_t bytes;  // the header with all that follows
  IpAddress source;
  IpAddress destination;
};
Says says(const Ipv4Header& ip) noexcept {
  return {ip.protocol, ip.total_length.host(), IpAddress::from_v4(ip.source), IpAddress::from_v4(ip.destination)};
}
Says says(const Ipv6Header& ip) noexcept {
  return {ip.next_header, ip.payload_length.host() + uint32_t{sizeof ip}, IpAddress::from_v6(ip.source.data()),
          IpAddress::from_v6(ip.destination.data())};
}

// UDP's pseudo-header of a tunnel's outer packet.
template <typename Header>
uint64_t outer_pseudo_sum(const Header& ip, uint32_t bytes) noexcept {
  return sum_of(&ip.source, 2 * sizeof ip.source) + Be16::from_host(kIpProtocolUdp).raw +
         Be16::from_host(static_cast<uint16_t>(bytes)).raw;
}

// What lies between a tunnel's outer header and the packet inside of it, `bytes` from there to the end.
template <typename Header>
const char* fault_of_shim(const Header& outer, TunnelKind kind, Be16 ether_type, uint8_t inner_protocol,
                          uint32_t bytes) noexcept {
  const auto* gre = reinterpret_cast<const GreHeader*>(&outer + 1);
  const auto* udp = reinterpret_cast<const UdpHeader*>(&outer + 1);
  const auto* gue = reinterpret_cast<const GueHeader*>(udp + 1);
  switch (kind) {
    case TunnelKind::kIpip: return nullptr;
    case TunnelKind::kGre:
    case TunnelKind::kGreChecksum: {
      const bool has_checksum = kind == TunnelKind::kGreChecksum;
      if (gre->protocol != ether_type || gre->flags != (has_checksum ? kGreHasChecksum : Be16{})) {
        return "left with a wrong GRE header";
      }
      return has_checksum && fold(sum_of(gre, bytes)) != 0xffff ? "left with a wrong GRE checksum" : nullptr;
    }
    case TunnelKind::kGue:
    case TunnelKind::kGueChecksum: {
      if (udp->destination_port.host() != kGuePort || udp->length.host() != bytes || gue->version_and_length != 0 ||
          gue->protocol != inner_protocol || gue->flags != Be16{}) {
        return "left with a wrong GUE header";
      }
      if (kind == TunnelKind::kGue) return udp->checksum == Be16{} ? nullptr : "left with a UDP checksum";
      return fold(outer_pseudo_sum(outer, bytes) + sum_of(udp, bytes)) == 0xffff ? nullptr
                                                                                : "left with a wrong UDP checksum";
    }
  }
  return nullptr;
}

constexpr uint8_t outer_protocol_of(TunnelKind kind, uint8_t inner_protocol) noexcept {
  switch (kind) {
    case TunnelKind::kIpip: break;
    case TunnelKind::kGre:
    case TunnelKind::kGreChecksum: return kIpProtocolGre;
    case TunnelKind::kGue:
    case TunnelKind::kGueChecksum: return kIpProtocolUdp;
  }
  return inner_protocol;
}

// `padding`: what Ethernet fills a frame up with.
template <typename Header>
const char* fault_of_packet(const rte_mbuf* mbuf, const Departure& wanted, uint8_t tunnel_protocol,
                            uint32_t padding) noexcept {
  constexpr uint32_t kPacket = sizeof(Header) + sizeof(TcpHeader);
  const auto* ip = rte_pktmbuf_mtod_offset(mbuf, const Header*, sizeof(EthernetHeader));
  if (wanted.tunnel_to != nullptr) {
    if (const char* fault = fault_of_header(*ip)) return fault;
    const Says outer = says(*ip);
    const TunnelKind kind = wanted.tunnel_to->tunnel;
    const uint32_t overhead = tunnel_overhead(wanted.tunnel_to->address.family, kind);
    if (outer.protocol != outer_protocol_of(kind, tunnel_protocol) || outer.bytes != overhead + kPacket ||
        mbuf->pkt_len != sizeof(EthernetHeader) + overhead + kPacket) {
      return "left without its tunnel";
    }
    const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
    const uint32_t behind = overhead - static_cast<uint32_t>(sizeof(Header)) + kPacket;
    if (const char* fault = fault_of_shim(*ip, kind, frame->type, tunnel_protocol, behind)) return fault;
    if (outer.destination != wanted.tunnel_to->address || outer.source != wanted.hop.local_address) {
      return "left through the wrong tunnel";
    }
    ip = reinterpret_cast<const Header*>(reinterpret_cast<const uint8_t*>(ip) + overhead);
  } else if (mbuf->pkt_len != sizeof(EthernetHeader) + kPacket + padding) {
    return "left with a wrong length";
  }
  if (const char* fault = fault_of_header(*ip)) return fault;
  const Says inner = says(*ip);
  if (inner.bytes != kPacket) return "left with a wrong IP length";
  const auto* tcp = reinterpret_cast<const TcpHeader*>(ip + 1);
  if (fold(sum_of(tcp, sizeof *tcp, pseudo_header_of(*ip))) != 0xffff) return "left with a wrong TCP checksum";
  const IpFlow flow{inner.source, inner.destination, tcp->source_port, tcp->destination_port, inner.protocol};
  if (!(flow == wanted.flow)) return "left with the wrong addresses or ports";
  return nullptr;
}

}  // namespace

const char* fault_of(const rte_mbuf* mbuf, const Departure& wanted) noexcept {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  if (frame->destination != wanted.hop.destination_mac || frame->source != wanted.hop.source_mac) {
    return "left for the wrong next hop";
  }
  const bool is_v4 = wanted.flow.source.is_v4();
  if (frame->type != (is_v4 ? kEtherTypeIpv4 : kEtherTypeIpv6)) return "left with a wrong ether type";
  const uint32_t padding = wanted.came.value_or(wanted.flow.source.family) == AddressFamily::kIpv4 ? 6 : 0;
  return is_v4 ? fault_of_packet<Ipv4Header>(mbuf, wanted, kIpProtocolIpip, padding)
               : fault_of_packet<Ipv6Header>(mbuf, wanted, kIpProtocolIpv6, padding);
}

}  // namespace shunt::bench
