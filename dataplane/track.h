// What a packet does to its connection: state, timeout, counters. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/tcp_state.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Moves the connection between its real's active and inactive counts (ip_vs_proto_tcp.c set_tcp_state).
void count_state(Connection& connection, RealCounters& real) noexcept;

inline void track_tcp(Connection& connection, const Packet& packet, RealCounters& real) noexcept {
  if (packet.direction == Direction::kReply) connection.flags &= static_cast<uint8_t>(~kConnectionNoOutput);
  const ConnectionState before = connection.state;
  const ConnectionState after =
      next_tcp_state(before, packet.direction, connection.flags & kConnectionNoOutput, packet.tcp_flags);
  if (after == before) [[likely]] return;
  connection.state = after;
  count_state(connection, real);
}

inline void track(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  RealCounters& real = worker.real_counters[packet.real.index];
  Connection* connection = packet.connection;
  if (packet.direction == Direction::kRequest) {
    real.in_packets.add(1);
    real.in_bytes.add(packet.ip_bytes);
  } else {
    real.out_packets.add(1);
    real.out_bytes.add(packet.ip_bytes);
  }
  if (connection == nullptr) [[unlikely]] return;
  ++(packet.direction == Direction::kRequest ? connection->in_packets : connection->out_packets);
  if (packet.protocol == kIpProtocolTcp) track_tcp(*connection, packet, real);
  connection->expires =
      worker.now + snapshot.timeouts[connection->timeouts][static_cast<size_t>(connection->state)];
}

}  // namespace shunt::dataplane
