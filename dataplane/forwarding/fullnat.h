// `fullnat`: as nat, and the client's address and port become a local one, so that replies come back to us from
// anywhere without the real's routing being changed.
#pragma once

#include "dataplane/connection.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// A request leaves as the mirror image of the reply that it will get, a reply as that of the request.
inline void rewrite_mirrored(const FlowKey& other, Ipv4Header* ip, uint8_t* l4) noexcept {
  ip->source = other.destination;
  ip->destination = other.source;
  auto* ports = reinterpret_cast<UdpHeader*>(l4);  // TCP's lie there, too
  ports->source_port = other.destination_port;
  ports->destination_port = other.source_port;
}

inline void rewrite_fullnat_request(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  rewrite_mirrored(connection.reply, ip, l4);
  pass_on(ip, connection.ip_delta);
  update_l4_checksum(l4, connection.protocol, connection.l4_delta);
}

inline void rewrite_fullnat_reply(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  rewrite_mirrored(connection.request, ip, l4);
  pass_on(ip, inverse(connection.ip_delta));
  update_l4_checksum(l4, connection.protocol, inverse(connection.l4_delta));
}

}  // namespace shunt::dataplane
