// What a connection's rewrites add to checksums (RFC 1624): worked out once, when it begins. Pure functions; any thread.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/connection.h"

namespace shunt::dataplane {

// What a request's way out as the reply's mirror image adds to a sum over its addresses, and over its ports.
template <typename Key>
uint32_t delta_of_addresses(const Key& request, const Key& reply) noexcept {
  return delta_of(request.source, reply.destination) + delta_of(request.destination, reply.source);
}
template <typename Key>
uint32_t delta_of_ports(const Key& request, const Key& reply) noexcept {
  return delta_of(request.source_port, reply.destination_port) + delta_of(request.destination_port, reply.source_port);
}

// What a request's and a reply's rewrite add to the IPv4 header's, the TTL's step with it.
inline uint16_t request_ip_delta_of(const Connection& connection) noexcept {
  return fold(delta_of_addresses(connection.request, connection.reply) + kTtlDelta);
}
inline uint16_t reply_ip_delta_of(const Connection& connection) noexcept {
  return fold(inverse(fold(delta_of_addresses(connection.request, connection.reply))) + kTtlDelta);
}

// What a request's adds to TCP's and UDP's, whose pseudo-header has the addresses.
template <typename Entry>
uint16_t l4_delta_of(const Entry& connection) noexcept {
  return fold(uint64_t{delta_of_addresses(connection.request, connection.reply)} +
              delta_of_ports(connection.request, connection.reply));
}

// All of them, for both directions.
inline void prepare_rewrite(Connection& connection) noexcept {
  connection.request_ip_delta = request_ip_delta_of(connection);
  connection.reply_ip_delta = reply_ip_delta_of(connection);
  connection.l4_delta = l4_delta_of(connection);
}
inline void prepare_rewrite(Connection6& connection) noexcept { connection.l4_delta = l4_delta_of(connection); }

}  // namespace shunt::dataplane
