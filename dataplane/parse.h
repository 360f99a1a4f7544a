// First step: is the packet ours to look at, and what does it say? Worker only.
#pragma once

#include <cstddef>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Every packet but the plain ones below, each impossibility told apart. Fills in the packet's key, or decides: not TCP,
// UDP, SCTP or IPsec over IP goes to the kernel port, malformed is dropped, fragments go their own way (fragments.h).
void parse_carefully(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept;

// What is balanced; other protocols are Linux's.
constexpr bool is_forwarded(uint8_t protocol) noexcept {
  return protocol == kIpProtocolTcp || protocol == kIpProtocolUdp || protocol == kIpProtocolSctp;
}

namespace parsing {

// How a plain IPv4 frame begins, as 32 bytes to be compared at once: our MAC address, the type, version 4 and five words
// of header, no more fragments and no offset. WorkerPort::ipv4_frame has what these must be.
struct alignas(32) FrameMask {
  uint8_t destination[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  uint8_t source[6] = {};
  uint8_t type[2] = {0xff, 0xff};
  uint8_t version_ihl = 0xff;
  uint8_t tos_length_id[5] = {};
  uint8_t fragment[2] = {0x3f, 0xff};
  uint8_t rest[10] = {};
};
static_assert(sizeof(FrameMask) == 32 && offsetof(FrameMask, version_ihl) == sizeof(EthernetHeader) &&
              offsetof(FrameMask, fragment) == sizeof(EthernetHeader) + offsetof(Ipv4Header, fragment));
inline constexpr FrameMask kFrameMask;

inline bool begins_plain(const uint8_t* frame, const WorkerPort& port) noexcept {
  const __m256i begin = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(frame));
  const __m256i wanted = _mm256_load_si256(reinterpret_cast<const __m256i*>(&port.ipv4_frame));
  const __m256i mask = _mm256_load_si256(reinterpret_cast<const __m256i*>(&kFrameMask));
  return _mm256_testz_si256(_mm256_xor_si256(begin, wanted), mask) != 0;
}

// The sum of an IPv4 header without options, in three words.
inline bool has_good_plain_checksum(const Ipv4Header* ip) noexcept {
  uint64_t first;
  uint64_t second;
  uint32_t third;
  std::memcpy(&first, static_cast<const void*>(ip), 8);
  std::memcpy(&second, &ip->ttl, 8);
  std::memcpy(&third, static_cast<const void*>(&ip->destination), 4);
  return is_all_ones(add_with_carry(add_with_carry(first, second), third));
}

// The frame's destination MAC address and type, compared with what they should be; zero: the same.
inline uint64_t frame_oddities(const EthernetHeader* frame, const WorkerPort& port, Be16 type) noexcept {
  uint64_t destination;  // and two bytes more, in both
  uint64_t ours;
  std::memcpy(&destination, static_cast<const void*>(frame), 8);
  std::memcpy(&ours, static_cast<const void*>(&port.ipv4_frame), 8);
  return ((destination ^ ours) << 16) | static_cast<uint64_t>(frame->type.raw ^ type.raw);
}

// The key of a packet with ports at `l4`.
inline __m128i key_of(const Ipv4Header* ip, const uint8_t* l4, uint8_t protocol) noexcept {
  uint64_t addresses;
  uint32_t ports;
  std::memcpy(&addresses, static_cast<const void*>(&ip->source), 8);
  std::memcpy(&ports, l4, 4);
  return block_of(addresses, ports, protocol);
}
// The same where the ports follow a header without options: from the protocol on all lies in 16 bytes.
inline __m128i key_of_plain(const Ipv4Header* ip) noexcept {
  constexpr char kZero = -128;
  const __m128i order = _mm_setr_epi8(3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0, kZero, kZero, kZero);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&ip->protocol)), order);
}

// The last words of an IPv6 packet's key.
inline uint64_t ports_and_protocol(const uint8_t* l4, uint8_t protocol) noexcept {
  uint32_t ports;
  std::memcpy(&ports, l4, 4);
  return uint64_t{protocol} << 32 | ports;
}

// An address whose first half is zero may be a mapped one, as no wire carries it.
inline bool has_unusual_address(const Ipv6Header* ip) noexcept {
  uint64_t source;
  uint64_t destination;
  std::memcpy(&source, ip->source.data(), 8);
  std::memcpy(&destination, ip->destination.data(), 8);
  return source == 0 || destination == 0;
}

// A whole TCP or UDP header that fits `bytes`, of which the first sizeof(TcpHeader) are readable: its flags in `tcp_flags`.
inline bool has_plain_l4(const uint8_t* l4, uint8_t protocol, uint32_t bytes, uint8_t& tcp_flags) noexcept {
  if (protocol == kIpProtocolTcp) [[likely]] {
    const auto* tcp = reinterpret_cast<const TcpHeader*>(l4);
    const uint32_t said = tcp->header_bytes();
    tcp_flags = tcp->flags;
    return said >= sizeof(TcpHeader) && said <= bytes;
  }
  const uint32_t length = reinterpret_cast<const UdpHeader*>(l4)->length.host();
  tcp_flags = 0;
  return protocol == kIpProtocolUdp && length >= sizeof(UdpHeader) && length <= bytes;
}

// Nearly every packet: to our MAC address, IPv4 without options, whole, TCP or UDP, all of it in the first buffer.
// False: it is something else, nothing is decided.
inline bool parse_plain(const WorkerPort& port, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  constexpr uint32_t kIp = sizeof(Ipv4Header);
  const rte_mbuf* mbuf = packet.mbuf;
  const uint32_t in_first_segment = mbuf->data_len;
  if (in_first_segment < kFrame + kIp + sizeof(TcpHeader)) [[unlikely]] return false;
  const auto* frame = rte_pktmbuf_mtod(mbuf, const uint8_t*);
  if (!begins_plain(frame, port)) [[unlikely]] return false;
  auto* ip = rte_pktmbuf_mtod_offset(mbuf, Ipv4Header*, kFrame);
  auto* l4 = reinterpret_cast<uint8_t*>(ip + 1);
  const uint32_t total = ip->total_length.host();
  const uint32_t payload = total - kIp;  // a huge number for a length below the header's
  if (payload > in_first_segment - kFrame - kIp) [[unlikely]] return false;
  uint8_t tcp_flags;
  if (!has_plain_l4(l4, ip->protocol, payload, tcp_flags)) [[unlikely]] return false;
  const uint64_t checked = mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  if (checked != RTE_MBUF_F_RX_IP_CKSUM_GOOD &&
      (checked == RTE_MBUF_F_RX_IP_CKSUM_BAD || !has_good_plain_checksum(ip))) [[unlikely]] {
    return false;
  }
  packet.ip = ip;
  packet.l4 = l4;
  packet.ip_bytes = static_cast<uint16_t>(total);
  packet.tcp_flags = tcp_flags;
  packet.set_key(key_of_plain(ip));
  return true;
}

// The same of IPv6: without extension headers.
inline bool parse_plain6(const WorkerPort& port, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  constexpr uint32_t kIp = sizeof(Ipv6Header);
  const rte_mbuf* mbuf = packet.mbuf;
  if (mbuf->data_len < kFrame + kIp + sizeof(TcpHeader)) return false;
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  auto* ip = rte_pktmbuf_mtod_offset(mbuf, Ipv6Header*, kFrame);
  auto* l4 = reinterpret_cast<uint8_t*>(ip + 1);
  if (frame_oddities(frame, port, kEtherTypeIpv6) != 0 || ip->version() != 6) return false;
  if (has_unusual_address(ip)) [[unlikely]] return false;
  const uint32_t payload = ip->payload_length.host();
  if (payload + kFrame + kIp > mbuf->data_len) return false;
  uint8_t tcp_flags;
  if (!has_plain_l4(l4, ip->next_header, payload, tcp_flags)) return false;
  packet.ip6 = ip;
  packet.l4 = l4;
  packet.ip_bytes = static_cast<uint16_t>(kIp + payload);
  packet.tcp_flags = tcp_flags;
  packet.ports_and_protocol = ports_and_protocol(l4, ip->next_header);
  return true;
}

}  // namespace parsing

// REQUIRES mbuf, in_port and handed_off of the packet; sets what the next steps read, or decides.
inline void parse(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  packet.verdict = Verdict::kUndecidedIpv4;
  const WorkerPort& port = worker.ports[packet.in_port];
  if (parsing::parse_plain(port, packet)) [[likely]] return;
  packet.verdict = Verdict::kUndecidedIpv6;
  if (parsing::parse_plain6(port, packet)) [[likely]] return;
  parse_carefully(worker, snapshot, packet);
}

}  // namespace shunt::dataplane
