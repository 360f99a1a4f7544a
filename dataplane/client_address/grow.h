// Makes room in packets, their lengths kept right. Worker only.
#pragma once

#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/family.h"

namespace shunt::dataplane {

// The IP header's length, so many bytes more or, below zero, less.
inline void lengthen(Ipv4Header* ip, int32_t bytes) noexcept {
  const Be16 before = ip->total_length;
  ip->total_length = Be16::from_host(static_cast<uint16_t>(before.host() + bytes));
  ip->checksum = updated(ip->checksum, fold(delta_of(before, ip->total_length)));
}
inline void lengthen(Ipv6Header* ip, int32_t bytes) noexcept {
  ip->payload_length = Be16::from_host(static_cast<uint16_t>(ip->payload_length.host() + bytes));
}

// Moves all that lies in front of `place`, the frame's beginning included, `bytes` towards the buffer's beginning; the
// packet's pointers and its IP header's length follow. Where the room is, or nullptr, and nothing changed: the buffer has
// none.
template <typename Ip>
uint8_t* make_room(Packet& packet, uint8_t* place, uint16_t bytes) noexcept {
  const auto* begin = rte_pktmbuf_mtod(packet.mbuf, const uint8_t*);
  const auto in_front = static_cast<size_t>(place - begin);
  char* moved = rte_pktmbuf_prepend(packet.mbuf, bytes);
  if (moved == nullptr) return nullptr;
  std::memmove(moved, begin, in_front);
  auto* ip = reinterpret_cast<typename Ip::Header*>(reinterpret_cast<uint8_t*>(Ip::header_of(packet)) - bytes);
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) packet.ip = ip;
  else packet.ip6 = ip;
  if (place > packet.l4) packet.l4 -= bytes;
  lengthen(ip, bytes);
  return place - bytes;
}

// What follows the TCP header.
template <typename Ip>
uint32_t payload_bytes(const Packet& packet) noexcept {
  const auto headers = static_cast<uint32_t>(packet.l4 - reinterpret_cast<const uint8_t*>(Ip::header_of(packet))) +
                       packet.tcp->header_bytes();
  return packet.ip_bytes - headers;
}

}  // namespace shunt::dataplane
