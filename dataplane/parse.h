// First step: is the packet ours to look at, and what does it say? Worker only.
#pragma once

#include <cstddef>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Every packet but the plain one below, each impossibility told apart. Fills in the packet's key, or decides: not IPv4
// TCP/UDP goes to the kernel port, malformed is dropped.
void parse_carefully(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept;

namespace parsing {

// An IPv4 header without options, as the three words in which it is read.
struct PlainHeader {
  uint64_t first;   // version, length, TOS, total length, id, fragment
  uint64_t second;  // TTL, protocol, checksum, source
  uint32_t third;   // destination

  explicit PlainHeader(const Ipv4Header* ip) noexcept {
    std::memcpy(&first, ip, 8);
    std::memcpy(&second, &ip->ttl, 8);
    std::memcpy(&third, &ip->destination, 4);
  }
  // Zero for version 4, five words of header, no more fragments and no offset.
  uint64_t oddities() const noexcept {
    constexpr uint64_t kVersionAndLength = 0x45;
    constexpr uint64_t kVersionAndLengthBits = 0xff;
    constexpr uint64_t kFragmentBits = uint64_t{kIpMoreFragmentsOrOffset.raw} << 48;
    return (first ^ kVersionAndLength) & (kVersionAndLengthBits | kFragmentBits);
  }
  uint8_t protocol() const noexcept { return static_cast<uint8_t>(second >> 8); }
  bool has_good_checksum() const noexcept {
    return fold(add_with_carry(add_with_carry(first, second), third)) == 0xffff;
  }
};

// The frame's destination MAC address and type, compared with what they should be; zero: the same.
inline uint64_t frame_oddities(const EthernetHeader* frame, const WorkerPort& port) noexcept {
  static_assert(offsetof(WorkerPort, mac) == 0 && offsetof(WorkerPort, queue) == sizeof(MacAddress));
  uint64_t destination;  // and two bytes more, in both
  uint64_t ours;
  std::memcpy(&destination, frame, 8);
  std::memcpy(&ours, static_cast<const void*>(&port), 8);
  return ((destination ^ ours) << 16) | static_cast<uint64_t>(frame->type.raw ^ kEtherTypeIpv4.raw);
}

// The key of a TCP or UDP packet.
inline __m128i key_of(const Ipv4Header* ip, const uint8_t* l4) noexcept {
  uint64_t addresses;
  uint32_t ports;
  std::memcpy(&addresses, static_cast<const void*>(&ip->source), 8);
  std::memcpy(&ports, l4, 4);
  return block_of(addresses, ports, ip->protocol);
}

// Nearly every packet: to our MAC address, IPv4 without options, whole, TCP or UDP, all of it in the first buffer.
// False: it is something else, nothing is decided.
inline bool parse_plain(const WorkerPort& port, Packet& packet) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  constexpr uint32_t kIp = sizeof(Ipv4Header);
  const rte_mbuf* mbuf = packet.mbuf;
  if (mbuf->data_len < kFrame + kIp + sizeof(TcpHeader)) return false;
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  auto* ip = rte_pktmbuf_mtod_offset(mbuf, Ipv4Header*, kFrame);
  auto* l4 = reinterpret_cast<uint8_t*>(ip + 1);
  const PlainHeader header(ip);
  if ((frame_oddities(frame, port) | header.oddities()) != 0) return false;
  const uint32_t total = ip->total_length.host();
  if (total + kFrame > mbuf->data_len) return false;
  uint8_t tcp_flags = 0;
  if (header.protocol() == kIpProtocolTcp) {
    const auto* tcp = reinterpret_cast<const TcpHeader*>(l4);
    const uint32_t said = tcp->header_bytes();
    if (said < sizeof(TcpHeader) || kIp + said > total) return false;
    tcp_flags = tcp->flags;
  } else {
    const uint32_t length = reinterpret_cast<const UdpHeader*>(l4)->length.host();
    if (header.protocol() != kIpProtocolUdp || length < sizeof(UdpHeader) || kIp + length > total) return false;
  }
  const bool verified = (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
  if (!verified && ((mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_BAD) || !header.has_good_checksum())) return false;
  packet.ip = ip;
  packet.l4 = l4;
  packet.ip_bytes = static_cast<uint16_t>(total);
  packet.tcp_flags = tcp_flags;
  packet.set_key(key_of(ip, l4));
  return true;
}

}  // namespace parsing

// REQUIRES mbuf, in_port and handed_off of the packet; sets what the next steps read, or decides.
inline void parse(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  packet.verdict = Verdict::kUndecided;
  if (parsing::parse_plain(worker.ports[packet.in_port], packet)) [[likely]] return;
  parse_carefully(worker, snapshot, packet);
}

}  // namespace shunt::dataplane
