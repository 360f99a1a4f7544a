// `fullnat`: as nat, and the client's address and port become a local one, so that replies come back to us from
// anywhere without the real's routing being changed.
#pragma once

#include <bit>
#include <cstring>

#include "dataplane/connection.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// A request leaves as the mirror image of the reply that it will get, a reply as that of the request.
inline void rewrite_ports_mirrored(const Be16& source_port, uint8_t* l4) noexcept {
  // Both as one word, halves exchanged.
  uint32_t ports;
  std::memcpy(&ports, static_cast<const void*>(&source_port), 4);
  ports = std::rotr(ports, 16);
  std::memcpy(l4, &ports, 4);
}
inline void rewrite_mirrored(const FlowKey& other, Ipv4Header* ip, uint8_t* l4) noexcept {
  uint64_t addresses;
  std::memcpy(&addresses, &other.source, 8);
  addresses = std::rotr(addresses, 32);
  std::memcpy(static_cast<void*>(&ip->source), &addresses, 8);
  rewrite_ports_mirrored(other.source_port, l4);
}
inline void rewrite_mirrored(const FlowKey6& other, Ipv6Header* ip, uint8_t* l4) noexcept {
  ip->source = other.destination;
  ip->destination = other.source;
  rewrite_ports_mirrored(other.source_port, l4);
}

template <typename Entry, typename Header>
void rewrite_fullnat_request(const Entry& connection, Header* ip, const Packet& packet) noexcept {
  rewrite_mirrored(connection.reply, ip, packet.l4);
  pass_on_request(connection, ip, packet);
}

template <typename Entry, typename Header>
void rewrite_fullnat_reply(const Entry& connection, Header* ip, const Packet& packet) noexcept {
  rewrite_mirrored(connection.request, ip, packet.l4);
  pass_on_reply(connection, ip, packet);
}

}  // namespace shunt::dataplane
