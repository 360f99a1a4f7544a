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
inline void rewrite_mirrored(const FlowKey& other, Ipv4Header* ip, uint8_t* l4) noexcept {
  // Both addresses and both ports as one word each, halves exchanged.
  uint64_t addresses;
  uint32_t ports;
  std::memcpy(&addresses, &other.source, 8);
  std::memcpy(&ports, &other.source_port, 4);
  addresses = std::rotr(addresses, 32);
  ports = std::rotr(ports, 16);
  std::memcpy(static_cast<void*>(&ip->source), &addresses, 8);
  std::memcpy(l4, &ports, 4);
}

inline void rewrite_fullnat_request(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  rewrite_mirrored(connection.reply, ip, l4);
  pass_on(ip, connection.request_ip_delta);
  update_l4_checksum(l4, connection.request.protocol, connection.l4_delta);
}

inline void rewrite_fullnat_reply(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  rewrite_mirrored(connection.request, ip, l4);
  pass_on(ip, connection.reply_ip_delta);
  update_l4_checksum(l4, connection.request.protocol, inverse(connection.l4_delta));
}

}  // namespace shunt::dataplane
