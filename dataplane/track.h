// What a packet does to its connection: state, timeout, counters. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/tcp_state.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Sets the state and moves the connection between its real's active and inactive counts (ip_vs_proto_tcp.c
// set_tcp_state).
void change_state(Connection& connection, ConnectionState after, RealCounters& real) noexcept;

inline void track(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow& flow,
                  const Packet& packet) noexcept {
  RealCounters& counters = worker.real_counters[flow.real.index];
  const bool is_request = flow.direction == Direction::kRequest;
  (is_request ? counters.in_packets : counters.out_packets).add(1);
  (is_request ? counters.in_bytes : counters.out_bytes).add(packet.ip_bytes);
  if (flow.connection == nullptr) [[unlikely]] return;
  Connection& connection = *flow.connection;
  ++(is_request ? connection.in_packets : connection.out_packets);
  // UDP's packets have no flags, and its one state is kept by all.
  const ConnectionState before = connection.state;
  const ConnectionState after = next_tcp_state(before, flow.direction, connection.flags & kConnectionNoOutput,
                                               packet.tcp_flags);
  if (after != before) [[unlikely]] change_state(connection, after, counters);
  connection.expires = worker.now + snapshot.timeouts[real.timeouts][static_cast<size_t>(after)];
}

}  // namespace shunt::dataplane
