// What every new connection is made by: a place in the table, and what its rewrites add to checksums. Worker only.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/expiry.h"
#include "dataplane/family.h"
#include "dataplane/worker.h"

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

// What both directions' rewrites add to the checksums.
inline void prepare_rewrite(Connection& connection) noexcept {
  const uint32_t ip = delta_of_addresses(connection.request, connection.reply);
  connection.request_ip_delta = fold(ip + kTtlDelta);
  connection.reply_ip_delta = fold(inverse(fold(ip)) + kTtlDelta);
  connection.l4_delta = fold(uint64_t{ip} + delta_of_ports(connection.request, connection.reply));
}
inline void prepare_rewrite(Connection6& connection) noexcept {
  connection.l4_delta = fold(uint64_t{delta_of_addresses(connection.request, connection.reply)} +
                             delta_of_ports(connection.request, connection.reply));
}

// A zeroed connection for the packet, room made if need be; nullptr: the table is full of better ones.
template <typename Ip>
typename Ip::Entry* allocate(Worker& worker) noexcept {
  auto& table = connections_of<Ip>(worker);
  typename Ip::Entry* connection = table.allocate();
  if (connection == nullptr && evict_half_open<Ip>(worker)) connection = table.allocate();
  return connection;
}

}  // namespace shunt::dataplane
