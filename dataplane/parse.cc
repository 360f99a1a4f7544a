#include "dataplane/parse.h"

#include <cstring>

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

bool has_good_checksum(const rte_mbuf* mbuf, const Ipv4Header* ip, uint32_t header_bytes) noexcept {
  const uint64_t said = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD) return true;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD) return false;
  return fold(sum_of(ip, header_bytes)) == 0xffff;
}

// TCP (RFC 9293) or UDP (RFC 768) in `bytes` of payload, of which `in_first_segment` lie in the first buffer.
void parse_l4(Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  const bool is_tcp = packet.ip->protocol == kIpProtocolTcp;
  const uint32_t fixed = is_tcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  if (bytes < fixed) [[unlikely]] return packet.drop(DropReason::kBadL4Header);
  if (in_first_segment < fixed) [[unlikely]] return packet.drop(DropReason::kTruncated);
  // TCP says how long its header is, UDP how long the whole datagram is.
  const uint32_t said = is_tcp ? packet.tcp->header_bytes() : packet.udp->length.host();
  if (said < fixed || said > bytes) [[unlikely]] return packet.drop(DropReason::kBadL4Header);
  if (is_tcp) {
    if (in_first_segment < said) [[unlikely]] return packet.drop(DropReason::kTruncated);
    packet.tcp_flags = packet.tcp->flags;
  }
  packet.set_key(parsing::key_of(packet.ip, packet.l4));
}

void parse_ipv4(const Snapshot& snapshot, Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  const Ipv4Header* ip = packet.ip;
  const uint32_t header_bytes = ip->header_bytes();
  const uint32_t total = ip->total_length.host();
  if (ip->version() != 4 || header_bytes < sizeof(Ipv4Header) || total < header_bytes) [[unlikely]] {
    return packet.drop(DropReason::kBadIpHeader);
  }
  if (total > bytes || header_bytes > in_first_segment) [[unlikely]] return packet.drop(DropReason::kTruncated);
  if (!has_good_checksum(packet.mbuf, ip, header_bytes)) [[unlikely]] {
    return packet.drop(DropReason::kBadIpChecksum);
  }
  packet.ip_bytes = static_cast<uint16_t>(total);
  if (ip->protocol != kIpProtocolTcp && ip->protocol != kIpProtocolUdp) [[unlikely]] {
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

// What is not IPv4 for this machine: true when `packet` is decided.
bool decide_by_frame(const EthernetHeader* frame, const MacAddress& mac, Packet& packet) noexcept {
  if (frame->type != kEtherTypeIpv4) {
    packet.verdict = Verdict::kKernel;
    return true;
  }
  if (frame->destination == mac) [[likely]] return false;
  // A group's frame is Linux's; another machine's (a switch floods what it has not learned) is nobody's here.
  if (frame->destination.bytes[0] & 1) packet.verdict = Verdict::kKernel;
  else packet.drop(DropReason::kNotOurMac);
  return true;
}

}  // namespace

void parse_carefully(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const rte_mbuf* mbuf = packet.mbuf;
  packet.tcp_flags = 0;
  packet.ip = rte_pktmbuf_mtod_offset(mbuf, Ipv4Header*, kFrame);
  if (mbuf->data_len < kFrame) return packet.drop(DropReason::kTruncated);
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  if (decide_by_frame(frame, worker.ports[packet.in_port].mac, packet)) return;
  if (mbuf->data_len < kFrame + sizeof(Ipv4Header)) return packet.drop(DropReason::kTruncated);
  parse_ipv4(snapshot, packet, mbuf->pkt_len - kFrame, mbuf->data_len - kFrame);
}

}  // namespace shunt::dataplane
