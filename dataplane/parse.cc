#include "dataplane/parse.h"

#include <cstring>

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

bool has_good_checksum(const rte_mbuf* mbuf, const Ipv4Header* ip, uint32_t header_bytes) noexcept {
  const uint64_t said = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD) return true;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD) return false;
  if (header_bytes == sizeof(Ipv4Header)) [[likely]] {
    return fold(sum_of(ip, sizeof(Ipv4Header))) == 0xffff;
  }
  return fold(sum_of(ip, header_bytes)) == 0xffff;
}

// TCP (RFC 9293) or UDP (RFC 768) in `bytes` of payload.
void parse_l4(Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  uint32_t header_bytes = sizeof(UdpHeader);
  if (packet.protocol == kIpProtocolTcp) {
    if (bytes < sizeof(TcpHeader)) return packet.drop(DropReason::kBadL4Header);
    if (in_first_segment < sizeof(TcpHeader)) return packet.drop(DropReason::kTruncated);
    header_bytes = packet.tcp->header_bytes();
    if (header_bytes < sizeof(TcpHeader) || header_bytes > bytes) {
      return packet.drop(DropReason::kBadL4Header);
    }
    packet.tcp_flags = packet.tcp->flags;
  } else {
    if (bytes < sizeof(UdpHeader)) return packet.drop(DropReason::kBadL4Header);
    if (in_first_segment < sizeof(UdpHeader)) return packet.drop(DropReason::kTruncated);
    const uint32_t length = packet.udp->length.host();
    if (length < sizeof(UdpHeader) || length > bytes) return packet.drop(DropReason::kBadL4Header);
  }
  if (in_first_segment < header_bytes) return packet.drop(DropReason::kTruncated);
  std::memcpy(&packet.key.source, &packet.ip->source, 8);
  std::memcpy(&packet.key.source_port, packet.l4, 4);
}

void parse_ipv4(const Snapshot& snapshot, Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  const Ipv4Header* ip = packet.ip;
  const uint32_t header_bytes = ip->header_bytes();
  const uint32_t total = ip->total_length.host();
  if (ip->version() != 4 || header_bytes < sizeof(Ipv4Header) || total < header_bytes) {
    return packet.drop(DropReason::kBadIpHeader);
  }
  if (total > bytes || header_bytes > in_first_segment) return packet.drop(DropReason::kTruncated);
  if (!has_good_checksum(packet.mbuf, ip, header_bytes)) return packet.drop(DropReason::kBadIpChecksum);
  packet.ip_bytes = static_cast<uint16_t>(total);
  packet.protocol = ip->protocol;
  if (packet.protocol != kIpProtocolTcp && packet.protocol != kIpProtocolUdp) {
    packet.verdict = Verdict::kKernel;
    return;
  }
  if ((ip->fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0) [[unlikely]] {
    // Only a service's fragments are ours; Linux puts its own together.
    if (snapshot.kinds_of(ip->destination) & bit(AddressSlot::Kind::kVip)) {
      return packet.drop(DropReason::kFragment);
    }
    packet.verdict = Verdict::kKernel;
    return;
  }
  packet.l4 = reinterpret_cast<uint8_t*>(packet.ip) + header_bytes;
  parse_l4(packet, total - header_bytes, in_first_segment - header_bytes);
}

}  // namespace

void parse(const Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    rte_mbuf* mbuf = packet.mbuf;
    auto* frame = rte_pktmbuf_mtod(mbuf, EthernetHeader*);
    packet.verdict = Verdict::kUndecided;
    packet.connection = nullptr;
    packet.reference = kNoEntry;
    packet.real = kNoReal;
    packet.tcp_flags = 0;
    packet.direction = Direction::kRequest;
    const uint32_t in_first_segment = mbuf->data_len;
    if (in_first_segment < sizeof(EthernetHeader)) {
      packet.drop(DropReason::kTruncated);
      continue;
    }
    if (frame->type != kEtherTypeIpv4) {
      packet.verdict = Verdict::kKernel;
      continue;
    }
    if (frame->destination != worker.ports[packet.in_port].mac) [[unlikely]] {
      // A group's frame is Linux's; another machine's (a switch floods what it has not learned) is nobody's here.
      if (frame->destination.bytes[0] & 1) packet.verdict = Verdict::kKernel;
      else packet.drop(DropReason::kNotOurMac);
      continue;
    }
    if (in_first_segment < sizeof(EthernetHeader) + sizeof(Ipv4Header)) {
      packet.drop(DropReason::kTruncated);
      continue;
    }
    packet.ip = reinterpret_cast<Ipv4Header*>(frame + 1);
    parse_ipv4(snapshot, packet, mbuf->pkt_len - sizeof(EthernetHeader),
               in_first_segment - static_cast<uint32_t>(sizeof(EthernetHeader)));
  }
}

}  // namespace shunt::dataplane
