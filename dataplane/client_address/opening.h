// The plain rewrites of a connection that may be opening: its places for what they add to checksums are taken meanwhile.
// Worker only.
#pragma once

#include "dataplane/client_address/carrying.h"
#include "dataplane/forwarding/fullnat.h"
#include "dataplane/rewrite_deltas.h"

namespace shunt::dataplane {

template <typename Entry>
void end_opening(Entry& connection) noexcept {
  connection.flags &= static_cast<uint8_t>(~kConnectionOpening);
  prepare_rewrite(connection);
}

inline void pass_on_opening(Ipv4Header* ip, uint16_t delta) noexcept { pass_on(ip, delta); }
inline void pass_on_opening(Ipv6Header* ip, uint16_t) noexcept { pass_on(ip); }
inline uint16_t request_ip_delta_of(const Connection6&) noexcept { return 0; }
inline uint16_t reply_ip_delta_of(const Connection6&) noexcept { return 0; }

template <typename Entry, typename Header>
void rewrite_carrying_request(const Entry& connection, Header* ip, const Packet& packet) noexcept {
  if (!is_opening(connection)) return rewrite_fullnat_request(connection, ip, packet);
  rewrite_mirrored(connection.reply, ip, packet.l4);
  pass_on_opening(ip, request_ip_delta_of(connection));
  update_l4_checksum(packet.l4, connection.request.protocol, l4_delta_of(connection));
}
template <typename Entry, typename Header>
void rewrite_carrying_reply(const Entry& connection, Header* ip, const Packet& packet) noexcept {
  if (!is_opening(connection)) return rewrite_fullnat_reply(connection, ip, packet);
  rewrite_mirrored(connection.request, ip, packet.l4);
  pass_on_opening(ip, reply_ip_delta_of(connection));
  update_l4_checksum(packet.l4, connection.request.protocol, inverse(l4_delta_of(connection)));
}

}  // namespace shunt::dataplane
