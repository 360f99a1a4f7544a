#include "dataplane/parse.h"

#include <cstring>

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

bool has_good_checksum(const rte_mbuf* mbuf, const Ipv4Header* ip, uint32_t header_bytes) noexcept {
  const uint64_t said = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD) return true;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD) return false;
  if (header_bytes == sizeof(Ipv4Header)) [[likely]] return fold(sum_of(ip, sizeof(Ipv4Header))) == 0xffff;
  return fold(sum_of(ip, header_bytes)) == 0xffff;
}

// TCP (RFC 9293) or UDP (RFC 768) in `bytes` of payload, of which `in_first_segment` lie in the first buffer.
void parse_l4(Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  const bool is_tcp = packet.protocol == kIpProtocolTcp;
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
  // Two copies of the sizes in which the hash and the table read them again.
  std::memcpy(&packet.key.source, &packet.ip->source, 8);
  std::memcpy(&packet.key.source_port, packet.l4, 4);
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
  packet.protocol = ip->protocol;
  if (packet.protocol != kIpProtocolTcp && packet.protocol != kIpProtocolUdp) [[unlikely]] {
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

// Everything but the plain case below, each impossibility told apart.
[[gnu::noinline]] void parse_carefully(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const rte_mbuf* mbuf = packet.mbuf;
  if (mbuf->data_len < kFrame) return packet.drop(DropReason::kTruncated);
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  if (decide_by_frame(frame, worker.ports[packet.in_port].mac, packet)) return;
  if (mbuf->data_len < kFrame + sizeof(Ipv4Header)) return packet.drop(DropReason::kTruncated);
  parse_ipv4(snapshot, packet, mbuf->pkt_len - kFrame, mbuf->data_len - kFrame);
}

// Nearly every packet: to our MAC address, IPv4 without options, whole, TCP or UDP, all of it in the first buffer.
// False: it is something else, nothing is decided.
bool parse_plain(const MacAddress& mac, Packet& packet) noexcept {
  constexpr uint32_t kHeaders = sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(TcpHeader);
  const rte_mbuf* mbuf = packet.mbuf;
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  const Ipv4Header* ip = packet.ip;
  if (mbuf->data_len < kHeaders) return false;
  // The frame's type and the byte behind it, version and header length, in one word.
  uint32_t type_and_version;
  std::memcpy(&type_and_version, &frame->type, 4);
  if ((type_and_version & 0xffffff) != (uint32_t{kEtherTypeIpv4.raw} | 0x450000)) return false;
  if (frame->destination != mac || (ip->fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0) return false;
  const uint32_t total = ip->total_length.host();
  const uint32_t bytes = total - static_cast<uint32_t>(sizeof(Ipv4Header));
  if (total < sizeof(Ipv4Header) || total + sizeof(EthernetHeader) > mbuf->data_len) return false;
  auto* l4 = reinterpret_cast<uint8_t*>(packet.ip + 1);
  if (ip->protocol == kIpProtocolTcp) {
    const auto* tcp = reinterpret_cast<const TcpHeader*>(l4);
    if (tcp->header_bytes() < sizeof(TcpHeader) || tcp->header_bytes() > bytes) return false;
    packet.tcp_flags = tcp->flags;
  } else {
    const uint32_t length = reinterpret_cast<const UdpHeader*>(l4)->length.host();
    if (ip->protocol != kIpProtocolUdp || length < sizeof(UdpHeader) || length > bytes) return false;
  }
  if (!has_good_checksum(mbuf, ip, sizeof(Ipv4Header))) return false;
  packet.l4 = l4;
  packet.ip_bytes = static_cast<uint16_t>(total);
  packet.protocol = ip->protocol;
  std::memcpy(&packet.key.source, &ip->source, 8);
  std::memcpy(&packet.key.source_port, l4, 4);
  return true;
}

}  // namespace

void parse(const Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    packet.verdict = Verdict::kUndecided;
    packet.tcp_flags = 0;
    packet.ip = rte_pktmbuf_mtod_offset(packet.mbuf, Ipv4Header*, sizeof(EthernetHeader));
    if (parse_plain(worker.ports[packet.in_port].mac, packet)) [[likely]] continue;
    packet.tcp_flags = 0;
    parse_carefully(worker, snapshot, packet);
  }
}

}  // namespace shunt::dataplane
