#include "tests/bench/departure.h"

#include "dataplane/checksum.h"
#include "dataplane/headers.h"
#include "tests/bench/packets.h"

namespace shunt::bench {

using namespace dataplane;

const char* fault_of(const rte_mbuf* mbuf, const Departure& wanted) noexcept {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  const auto* ip = reinterpret_cast<const Ipv4Header*>(frame + 1);
  if (frame->destination != wanted.hop.destination_mac || frame->source != wanted.hop.source_mac) {
    return "left for the wrong next hop";
  }
  if (frame->type != kEtherTypeIpv4) return "left with a wrong ether type";
  if (fold(sum_of(ip, sizeof *ip)) != 0xffff) return "left with a wrong IPv4 checksum";
  if (wanted.tunnel_to != nullptr) {
    if (ip->protocol != kIpProtocolIpip || ip->total_length.host() != 60 || mbuf->pkt_len != 14 + 60) {
      return "left without its tunnel";
    }
    if (ip->destination != wanted.tunnel_to->address || ip->source != wanted.hop.local_address) {
      return "left through the wrong tunnel";
    }
    ++ip;
    if (fold(sum_of(ip, sizeof *ip)) != 0xffff) return "left with a wrong inner IPv4 checksum";
  } else if (mbuf->pkt_len != kFrameBytes) {
    return "left with a wrong length";
  }
  if (ip->ttl != kTtlAtArrival - 1) return "left with a wrong TTL";
  const auto* tcp = reinterpret_cast<const TcpHeader*>(ip + 1);
  const uint64_t pseudo = sum_of(&ip->source, 8) + Be16::from_host(kIpProtocolTcp).raw + Be16::from_host(20).raw;
  if (fold(sum_of(tcp, sizeof *tcp, pseudo)) != 0xffff) return "left with a wrong TCP checksum";
  const FlowKey key{ip->source, ip->destination, tcp->source_port, tcp->destination_port, ip->protocol};
  if (!(key == wanted.key)) return "left with the wrong addresses or ports";
  return nullptr;
}

}  // namespace shunt::bench
