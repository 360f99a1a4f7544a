#include "tests/bench/departure.h"

#include "dataplane/checksum.h"
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

// `padding`: what Ethernet fills a frame up with.
template <typename Header>
const char* fault_of_packet(const rte_mbuf* mbuf, const Departure& wanted, uint8_t tunnel_protocol,
                            uint32_t padding) noexcept {
  constexpr uint32_t kPacket = sizeof(Header) + sizeof(TcpHeader);
  const auto* ip = rte_pktmbuf_mtod_offset(mbuf, const Header*, sizeof(EthernetHeader));
  if (wanted.tunnel_to != nullptr) {
    if (const char* fault = fault_of_header(*ip)) return fault;
    const Says outer = says(*ip);
    if (outer.protocol != tunnel_protocol || outer.bytes != sizeof(Header) + kPacket ||
        mbuf->pkt_len != sizeof(EthernetHeader) + sizeof(Header) + kPacket) {
      return "left without its tunnel";
    }
    if (outer.destination != wanted.tunnel_to->address || outer.source != wanted.hop.local_address) {
      return "left through the wrong tunnel";
    }
    ++ip;
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
  return is_v4 ? fault_of_packet<Ipv4Header>(mbuf, wanted, kIpProtocolIpip, 6)
               : fault_of_packet<Ipv6Header>(mbuf, wanted, kIpProtocolIpv6, 0);
}

}  // namespace shunt::bench
