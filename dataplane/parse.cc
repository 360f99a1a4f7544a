#include "dataplane/parse.h"

#include <cstring>

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

// Extension headers that a packet may have: each kind once, destination options twice (RFC 8200 section 4.1), and one
// to spare.
constexpr uint32_t kMostExtensionHeaders = 6;

bool has_good_checksum(const rte_mbuf* mbuf, const Ipv4Header* ip, uint32_t header_bytes) noexcept {
  const uint64_t said = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD) return true;
  if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD) return false;
  return fold(sum_of(ip, header_bytes)) == 0xffff;
}

// TCP (RFC 9293) or UDP (RFC 768) in `bytes` of payload, of which `in_first_segment` lie in the first buffer. False: the
// packet is dropped.
bool parse_l4(Packet& packet, uint8_t protocol, uint32_t bytes, uint32_t in_first_segment) noexcept {
  const bool is_tcp = protocol == kIpProtocolTcp;
  const uint32_t fixed = is_tcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  if (bytes < fixed) [[unlikely]] return packet.drop(DropReason::kBadL4Header), false;
  if (in_first_segment < fixed) [[unlikely]] return packet.drop(DropReason::kTruncated), false;
  // TCP says how long its header is, UDP how long the whole datagram is.
  const uint32_t said = is_tcp ? packet.tcp->header_bytes() : packet.udp->length.host();
  if (said < fixed || said > bytes) [[unlikely]] return packet.drop(DropReason::kBadL4Header), false;
  if (!is_tcp) return true;
  if (in_first_segment < said) [[unlikely]] return packet.drop(DropReason::kTruncated), false;
  packet.tcp_flags = packet.tcp->flags;
  return true;
}

// Only a service's fragments are ours; Linux puts its own together.
void decide_fragment(const Snapshot& snapshot, const IpAddress& destination, Packet& packet) noexcept {
  if (snapshot.kinds_of(destination) & bit(AddressSlot::Kind::kVip)) return packet.drop(DropReason::kFragment);
  packet.verdict = Verdict::kKernel;
}

bool is_forwarded(uint8_t protocol) noexcept { return protocol == kIpProtocolTcp || protocol == kIpProtocolUdp; }

void parse_ipv4(const Snapshot& snapshot, Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  packet.verdict = Verdict::kUndecidedIpv4;
  if (in_first_segment < sizeof(Ipv4Header)) return packet.drop(DropReason::kTruncated);
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
  if (!is_forwarded(ip->protocol)) [[unlikely]] {
    packet.verdict = Verdict::kKernel;
    return;
  }
  if ((ip->fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0) [[unlikely]] {
    return decide_fragment(snapshot, IpAddress::from_v4(ip->destination), packet);
  }
  packet.l4 = reinterpret_cast<uint8_t*>(packet.ip) + header_bytes;
  if (!parse_l4(packet, ip->protocol, total - header_bytes, in_first_segment - header_bytes)) return;
  packet.set_key(parsing::key_of(packet.ip, packet.l4));
}

// Where the extension headers end (RFC 8200 section 4), and what begins there.
struct Chain {
  uint32_t bytes = sizeof(Ipv6Header);
  uint8_t next;
};

// False: the packet is decided. `readable`: bytes of the packet that lie in the first buffer.
bool skip_extensions(const Snapshot& snapshot, Packet& packet, uint32_t total, uint32_t readable, Chain& chain) noexcept {
  const auto* begin = reinterpret_cast<const uint8_t*>(packet.ip6);
  for (uint32_t seen = 0;; ++seen) {
    const uint8_t* header = begin + chain.bytes;
    const bool has_length = chain.next == kIpv6HopByHop || chain.next == kIpv6Routing ||
                            chain.next == kIpv6DestinationOptions || chain.next == kIpv6Fragment;
    if (!has_length) return true;
    constexpr uint32_t kUnit = 8;  // the least, and what lengths count in
    if (chain.bytes + kUnit > total || seen == kMostExtensionHeaders) {
      return packet.drop(DropReason::kBadExtensionHeader), false;
    }
    if (chain.bytes + kUnit > readable) return packet.drop(DropReason::kTruncated), false;
    if (chain.next == kIpv6Fragment) {
      return decide_fragment(snapshot, IpAddress::from_v6(packet.ip6->destination.data()), packet), false;
    }
    // Segments left: the packet is not at its end here (RFC 8200 section 4.4); Linux knows what to make of it.
    if (chain.next == kIpv6Routing && header[3] != 0) {
      packet.verdict = Verdict::kKernel;
      return false;
    }
    chain.next = header[0];
    chain.bytes += (header[1] + 1u) * kUnit;
    if (chain.bytes > total) return packet.drop(DropReason::kBadExtensionHeader), false;
    if (chain.bytes > readable) return packet.drop(DropReason::kTruncated), false;
  }
}

void parse_ipv6(const Snapshot& snapshot, Packet& packet, uint32_t bytes, uint32_t in_first_segment) noexcept {
  packet.verdict = Verdict::kUndecidedIpv6;
  if (in_first_segment < sizeof(Ipv6Header)) return packet.drop(DropReason::kTruncated);
  const Ipv6Header* ip = packet.ip6;
  if (ip->version() != 6) [[unlikely]] return packet.drop(DropReason::kBadIpHeader);
  const uint32_t total = sizeof(Ipv6Header) + ip->payload_length.host();
  if (total > bytes || total > UINT16_MAX) [[unlikely]] return packet.drop(DropReason::kTruncated);
  packet.ip_bytes = static_cast<uint16_t>(total);
  Chain chain{.next = ip->next_header};
  if (!skip_extensions(snapshot, packet, total, in_first_segment, chain)) return;
  if (!is_forwarded(chain.next)) [[unlikely]] {
    packet.verdict = Verdict::kKernel;
    return;
  }
  packet.l4 = reinterpret_cast<uint8_t*>(packet.ip6) + chain.bytes;
  if (!parse_l4(packet, chain.next, total - chain.bytes, in_first_segment - chain.bytes)) return;
  packet.ports_and_protocol = parsing::ports_and_protocol(packet.l4, chain.next);
}

// What is not IP for this machine: true when `packet` is decided.
bool decide_by_frame(const EthernetHeader* frame, const MacAddress& mac, Packet& packet) noexcept {
  if (frame->type != kEtherTypeIpv4 && frame->type != kEtherTypeIpv6) {
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
  if (decide_by_frame(frame, worker.ports[packet.in_port].mac(), packet)) return;
  const uint32_t bytes = mbuf->pkt_len - kFrame;
  const uint32_t in_first_segment = mbuf->data_len - kFrame;
  if (frame->type == kEtherTypeIpv4) parse_ipv4(snapshot, packet, bytes, in_first_segment);
  else parse_ipv6(snapshot, packet, bytes, in_first_segment);
}

}  // namespace shunt::dataplane
