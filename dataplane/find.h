// A packet's connection: each step reads the cache line that the one before it fetched. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

inline void fetch_bucket(const Worker& worker, Packet& packet) noexcept {
  packet.hash = worker.connections.hash(packet.key_block());
  packet.bucket = worker.connections.prefetch_bucket(packet.hash);
}

inline void fetch_connection(const Worker& worker, Packet& packet) noexcept {
  packet.reference = worker.connections.prefetch_entry(*packet.bucket, packet.hash);
}

// The table may have changed: what fetch_connection() saw for the packets behind this one may be out of date.
inline void search_anew(Burst& burst, const Packet& packet) noexcept {
  const auto behind = static_cast<size_t>(&packet - burst.packets.data()) + 1;
  for (Packet& later : burst.all().subspan(behind)) later.reference = ConnectionTable::kSearch;
}

// By what the packet goes on; connection nullptr: it is of none.
inline Flow find(Worker& worker, const Packet& packet) noexcept {
  const auto [connection, direction] = worker.connections.find(packet.reference, packet.hash, packet.key_block());
  if (connection == nullptr) [[unlikely]] return {nullptr, kNoReal, Direction::kRequest};
  return {connection, connection->real, direction};
}

// False: the packet is of no connection, or may be about to end or reopen the one that it has.
inline bool is_known(const Worker& worker, const Flow& flow, const Packet& packet) noexcept {
  return flow.connection != nullptr && (packet.tcp_flags & kTcpSyn) == 0 &&
         !is_past(flow.connection->expires, worker.now);
}

}  // namespace shunt::dataplane
