// How many connections a real has on this worker, active and inactive: what least-loaded schedulers choose by. Every
// change goes through here. Worker only.
#pragma once

#include "dataplane/schedulers/load_changed.h"
#include "dataplane/tcp_state.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The real has one connection more (`by` 1) or less (-1) of that kind.
inline void change_count(Worker& worker, RealId real, bool is_active, int by) noexcept {
  RealCounters& counters = worker.real_counters[real.index];
  auto& count = is_active ? counters.active : counters.inactive;
  count.store(count.load(std::memory_order_relaxed) + static_cast<uint32_t>(by), std::memory_order_relaxed);
}

// A connection begins or ends to count, by its flags.
template <typename Entry>
void count_in(Worker& worker, const Entry& connection) noexcept {
  change_count(worker, connection.real, connection.flags & kConnectionActive, 1);
  load_changed(worker, connection.real);
}
template <typename Entry>
void count_out(Worker& worker, const Entry& connection) noexcept {
  change_count(worker, connection.real, connection.flags & kConnectionActive, -1);
  load_changed(worker, connection.real);
}

// Sets the state and moves the connection between its real's active and inactive counts (ip_vs_proto_tcp.c
// set_tcp_state).
template <typename Entry>
void change_state(Worker& worker, Entry& connection, ConnectionState after) noexcept {
  connection.state = after;
  const bool counted_active = connection.flags & kConnectionActive;
  if (counted_active == is_active(after)) return;
  change_count(worker, connection.real, counted_active, -1);
  connection.flags ^= kConnectionActive;
  count_in(worker, connection);
}

}  // namespace shunt::dataplane
