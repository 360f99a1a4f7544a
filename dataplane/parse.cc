#include "dataplane/parse.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "dataplane/checksum.h"
#include "dataplane/fragments.h"
#include "dataplane/icmp/echo.h"
#include "dataplane/parse_sctp.h"

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

// TCP (RFC 9293), UDP (RFC 768) or SCTP in `bytes` of payload, of which `in_first_segment` lie in the first buffer.
// False: the packet is dropped.
bool parse_l4(Packet& packet, uint8_t protocol, uint32_t bytes, uint32_t in_first_segment) noexcept {
  if (protocol == kIpProtocolSctp) return parse_sctp(packet, bytes, bytes, in_first_segment);
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

// Whether an ICMP type may say what became of a connection's packet: those that IPVS looks at (ip_vs_core.c ip_vs_in_icmp,
// ip_vs_in_icmp_v6).
bool is_error(Verdict family, uint8_t type) noexcept {
  if (family == Verdict::kIcmpErrorIpv6) return type < kIcmpv6FirstInformation;
  return type == kIcmpUnreachable || type == kIcmpSourceQuench || type == kIcmpTimeExceeded;
}

// What is neither TCP nor UDP: Linux's, but for ICMP errors, of which relay_error() finds out. `bytes` of the packet lie
// behind `header` in the first buffer.
void decide_other(Packet& packet, bool may_be_icmp, Verdict error, uint8_t* header, uint32_t bytes) noexcept {
  const bool is_icmp_error = may_be_icmp && bytes >= sizeof(IcmpHeader) && is_error(error, *header);
  packet.verdict = is_icmp_error ? error : Verdict::kKernel;
  packet.l4 = header;
}

// IPsec's packets have no ports of their own; they follow the connection by which their keys are agreed upon, that of
// ISAKMP, UDP port 500 on both sides (ip_vs_proto_ah_esp.c).
bool follows_isakmp(uint8_t protocol) noexcept { return protocol == kIpProtocolEsp || protocol == kIpProtocolAh; }

// The key of such a packet, and room for what a rewrite makes of its ports: nothing of the packet itself.
template <typename Ip>
void follow_isakmp(Packet& packet) noexcept {
  constexpr Be16 kIsakmp = Be16::from_host(500);
  packet.stand_in = {kIsakmp, kIsakmp, {}, {}};
  packet.udp = &packet.stand_in;
  packet.tcp_flags = kTcpSyn;  // admission sees each of them
  if constexpr (std::is_same_v<Ip, Ipv4>) packet.set_key(parsing::key_of(packet.ip, packet.l4, kIpProtocolUdp));
  else packet.ports_and_protocol = parsing::ports_and_protocol(packet.l4, kIpProtocolUdp);
}

// An echo that a rule of snat may be for: the ports that stand for its identifier. False: it is none, nothing changed.
bool follow_echo(const Snapshot& snapshot, Packet& packet, uint8_t* header, uint8_t protocol, uint32_t bytes) noexcept {
  if (snapshot.snat_rules.empty() || !is_icmp(protocol) || bytes < sizeof(EchoHeader)) return false;
  const auto ports = echo_ports(header, protocol);
  if (!ports) return false;
  packet.echo_offset = static_cast<uint32_t>(header - reinterpret_cast<uint8_t*>(packet.ip));
  packet.stand_in = {ports->source, ports->destination, {}, {}};
  packet.udp = &packet.stand_in;
  return true;
}

void parse_ipv4(Worker& worker, const Snapshot& snapshot, Packet& packet, uint32_t bytes,
                uint32_t in_first_segment) noexcept {
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
  if (follows_isakmp(ip->protocol)) return follow_isakmp<Ipv4>(packet);
  auto* l4 = reinterpret_cast<uint8_t*>(packet.ip) + header_bytes;
  const bool is_fragment = (ip->fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0;
  const bool may_be_echo = ip->protocol == kIpProtocolIcmp && !snapshot.snat_rules.empty();
  if (!is_forwarded(ip->protocol) && !(may_be_echo && is_fragment)) [[unlikely]] {
    const uint32_t readable = std::min(total, in_first_segment) - header_bytes;
    if (!is_fragment && follow_echo(snapshot, packet, l4, ip->protocol, readable)) {
      return packet.set_key(parsing::key_of(packet.ip, packet.l4, kIpProtocolIcmp));
    }
    const bool may_be_icmp = ip->protocol == kIpProtocolIcmp && !is_fragment;
    return decide_other(packet, may_be_icmp, Verdict::kIcmpErrorIpv4, l4, readable);
  }
  packet.l4 = l4;
  if (is_fragment) [[unlikely]] {
    return take_fragment<Ipv4>(worker, snapshot, packet,
                               {.id = ip->id.raw,
                                .begin = ip->fragment_begin(),
                                .bytes = total - header_bytes,
                                .is_last = (ip->fragment.raw & kIpMoreFragments.raw) == 0,
                                .protocol = ip->protocol,
                                .overhead = header_bytes,
                                .data = packet.l4,
                                .end = packet.l4 + (total - header_bytes),
                                .readable = in_first_segment - header_bytes});
  }
  if (!parse_l4(packet, ip->protocol, total - header_bytes, in_first_segment - header_bytes)) return;
  packet.set_key(parsing::key_of(packet.ip, packet.l4, ip->protocol));
}

// Where the extension headers end (RFC 8200 section 4), and what begins there.
struct Chain {
  uint32_t bytes = sizeof(Ipv6Header);
  uint8_t next;
  // The packet is a fragment: a later one's chain ends behind this header, whatever follows.
  const Ipv6FragmentHeader* fragment = nullptr;
};

// False: the packet is decided. `readable`: bytes of the packet that lie in the first buffer.
bool skip_extensions(Packet& packet, uint32_t total, uint32_t readable, Chain& chain) noexcept {
  const auto* begin = reinterpret_cast<const uint8_t*>(packet.ip6);
  for (uint32_t seen = 0;; ++seen) {
    const uint8_t* header = begin + chain.bytes;
    if (!is_ipv6_extension(chain.next)) return true;
    // The first fragment has all headers (RFC 7112).
    const DropReason cut = chain.fragment == nullptr ? DropReason::kBadExtensionHeader : DropReason::kFragmentTiny;
    constexpr uint32_t kUnit = 8;  // the least, and what lengths count in
    if (seen == kMostExtensionHeaders) return packet.drop(DropReason::kBadExtensionHeader), false;
    if (chain.bytes + kUnit > total) return packet.drop(cut), false;
    if (chain.bytes + kUnit > readable) return packet.drop(DropReason::kTruncated), false;
    if (chain.next == kIpv6Fragment) {
      const auto* fragment = reinterpret_cast<const Ipv6FragmentHeader*>(header);
      if (chain.fragment != nullptr) return packet.drop(DropReason::kBadExtensionHeader), false;
      if (!fragment->is_atomic()) chain.fragment = fragment;
      chain.next = fragment->next_header;
      chain.bytes += sizeof *fragment;
      if (fragment->begin() != 0) return true;
      continue;
    }
    // Segments left: the packet is not at its end here (RFC 8200 section 4.4); Linux knows what to make of it.
    if (chain.next == kIpv6Routing && header[3] != 0) {
      packet.verdict = Verdict::kKernel;
      return false;
    }
    chain.next = header[0];
    chain.bytes += (header[1] + 1u) * kUnit;
    if (chain.bytes > total) return packet.drop(cut), false;
    if (chain.bytes > readable) return packet.drop(DropReason::kTruncated), false;
  }
}

// REQUIRES a whole chain with a fragment header.
void parse_ipv6_fragment(Worker& worker, const Snapshot& snapshot, Packet& packet, const Chain& chain, uint32_t total,
                         uint32_t in_first_segment) noexcept {
  const Ipv6FragmentHeader* header = chain.fragment;
  // Every fragment goes after ISAKMP by its addresses.
  if (follows_isakmp(header->next_header)) return follow_isakmp<Ipv6>(packet);
  // What all of them say; a later one's extension headers stand in the first.
  const bool may_be_echo = header->next_header == kIpProtocolIcmpv6 && !snapshot.snat_rules.empty();
  if (!is_forwarded(header->next_header) && !may_be_echo && !is_ipv6_extension(header->next_header)) {
    packet.verdict = Verdict::kKernel;
    return;
  }
  uint8_t* begin = reinterpret_cast<uint8_t*>(packet.ip6);
  const auto in_front = static_cast<uint32_t>(reinterpret_cast<const uint8_t*>(header) - begin);
  take_fragment<Ipv6>(worker, snapshot, packet,
                      {.id = header->id.raw,
                       .begin = header->begin(),
                       .bytes = total - in_front - static_cast<uint32_t>(sizeof *header),
                       .is_last = !header->has_more(),
                       .protocol = chain.next,
                       .overhead = in_front - static_cast<uint32_t>(sizeof(Ipv6Header)),
                       .data = begin + chain.bytes,
                       .end = begin + total,
                       .readable = in_first_segment - chain.bytes});
}

void parse_ipv6(Worker& worker, const Snapshot& snapshot, Packet& packet, uint32_t bytes,
                uint32_t in_first_segment) noexcept {
  packet.verdict = Verdict::kUndecidedIpv6;
  if (in_first_segment < sizeof(Ipv6Header)) return packet.drop(DropReason::kTruncated);
  const Ipv6Header* ip = packet.ip6;
  if (ip->version() != 6) [[unlikely]] return packet.drop(DropReason::kBadIpHeader);
  if (is_mapped(ip->source) || is_mapped(ip->destination)) return packet.drop(DropReason::kMappedAddress);
  const uint32_t total = sizeof(Ipv6Header) + ip->payload_length.host();
  if (total > bytes || total > UINT16_MAX) [[unlikely]] return packet.drop(DropReason::kTruncated);
  packet.ip_bytes = static_cast<uint16_t>(total);
  Chain chain{.next = ip->next_header};
  if (!skip_extensions(packet, total, in_first_segment, chain)) return;
  if (chain.fragment != nullptr) return parse_ipv6_fragment(worker, snapshot, packet, chain, total, in_first_segment);
  if (follows_isakmp(chain.next)) return follow_isakmp<Ipv6>(packet);
  auto* l4 = reinterpret_cast<uint8_t*>(packet.ip6) + chain.bytes;
  if (!is_forwarded(chain.next)) [[unlikely]] {
    const uint32_t readable = std::min(total, in_first_segment) - chain.bytes;
    if (follow_echo(snapshot, packet, l4, chain.next, readable)) {
      packet.ports_and_protocol = parsing::ports_and_protocol(packet.l4, kIpProtocolIcmpv6);
      return;
    }
    return decide_other(packet, chain.next == kIpProtocolIcmpv6, Verdict::kIcmpErrorIpv6, l4, readable);
  }
  packet.l4 = l4;
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

void parse_carefully(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const rte_mbuf* mbuf = packet.mbuf;
  packet.tcp_flags = 0;
  packet.ip = rte_pktmbuf_mtod_offset(mbuf, Ipv4Header*, kFrame);
  if (mbuf->data_len < kFrame) return packet.drop(DropReason::kTruncated);
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  if (decide_by_frame(frame, worker.ports[packet.in_port].mac(), packet)) return;
  const uint32_t bytes = mbuf->pkt_len - kFrame;
  const uint32_t in_first_segment = mbuf->data_len - kFrame;
  if (frame->type == kEtherTypeIpv4) parse_ipv4(worker, snapshot, packet, bytes, in_first_segment);
  else parse_ipv6(worker, snapshot, packet, bytes, in_first_segment);
}

}  // namespace shunt::dataplane
