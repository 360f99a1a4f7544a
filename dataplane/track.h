// What a packet does to its connection: state, timeout, counters. Worker only.
#pragma once

#include "dataplane/connection_counts.h"
#include "dataplane/family.h"
#include "dataplane/outcome.h"
#include "dataplane/sctp_state.h"
#include "dataplane/snapshot.h"
#include "dataplane/tcp_state.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// In line wherever it is called, since one of the callers is the way of every packet.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline void track(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                                         const Flow<Ip>& flow, const Packet& packet) noexcept {
  RealCounters& counters = worker.real_counters[flow.real.index];
  constexpr bool is_request = kDirection == Direction::kRequest;
  (is_request ? counters.in_packets : counters.out_packets).add(1);
  (is_request ? counters.in_bytes : counters.out_bytes).add(packet.ip_bytes);
  if (flow.connection == nullptr) [[unlikely]] return;
  typename Ip::Entry& connection = *flow.connection;
  ++(is_request ? connection.in_packets : connection.out_packets);
  ConnectionState after = connection.state;
  if (!keeps_state(after, packet.tcp_flags)) [[unlikely]] {
    const uint8_t no_output = connection.flags & kConnectionNoOutput;
    after = is_sctp(after) ? next_sctp_state(after, kDirection, no_output, packet.tcp_flags)
                           : next_tcp_state(after, kDirection, no_output, packet.tcp_flags,
                                            defences_of<Ip>(worker).tcp_after());
    if (after != connection.state) change_state(worker, connection, after);
    if constexpr (!is_request) {
      if (connection.flags & kConnectionWatched) [[unlikely]] note_reply(worker, connection, packet.tcp_flags);
    }
  }
  connection.expires = worker.now + snapshot.timeouts[real.timeouts][static_cast<size_t>(after)];
}

}  // namespace shunt::dataplane
