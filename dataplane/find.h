// A packet's connection: each step reads the cache line that the one before it fetched. Worker only.
#pragma once

#include <algorithm>

#include "dataplane/family.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// REQUIRES that the packet was parsed; decided ones are left alone. Writes Packet::hash and bucket.
inline void fetch_bucket(const Worker& worker, Packet& packet) noexcept {
  if (is_on_its_way<Ipv4>(packet)) [[likely]] {
    packet.hash = worker.connections.hash(Ipv4::lookup_key_of(packet));
    packet.bucket = worker.connections.prefetch_bucket(packet.hash);
  } else if (is_on_its_way<Ipv6>(packet)) {
    packet.hash = worker.connections6.hash(Ipv6::lookup_key_of(packet));
    packet.bucket6 = worker.connections6.prefetch_bucket(packet.hash);
  }
}

// Reads the bucket. Writes Packet::reference and other.
inline void fetch_connection(const Worker& worker, Packet& packet) noexcept {
  if (is_on_its_way<Ipv4>(packet)) [[likely]] {
    packet.reference = worker.connections.prefetch_entry(*packet.bucket, packet.hash, packet.other);
  } else if (is_on_its_way<Ipv6>(packet)) {
    packet.reference = worker.connections6.prefetch_entry(*packet.bucket6, packet.hash, packet.other);
  } else {
    packet.reference = ConnectionTable::kAbsent;
  }
}

// Whether there is something to wait for: the lines of fewer connections, two for each, lie in a CPU's second cache.
inline bool has_far_connections(const Worker& worker) noexcept {
  constexpr uint32_t kNear = 4096;
  return worker.connections.used() > kNear || worker.connections6.used() > kNear / 2;
}

// Packets to take in at a time: where they wait for memory as many as may, so that the time of some covers that of others.
// Where they do not, so few that they and what they are about stay in the first cache; and no more while connections are
// opened, which takes ten times as long, so that none waits long for the others.
inline uint32_t burst_size(const Worker& worker) noexcept {
  return has_far_connections(worker) && worker.burst.stale == 0 ? kBurst : kSmallBurst;
}

// The table may have changed: what fetch_connection() saw for the packets behind this one may be out of date.
inline void search_anew(Burst& burst, const Packet& packet) noexcept {
  const auto next = static_cast<uint32_t>(&packet - burst.packets.data()) + 1;
  for (uint32_t i = std::max(next, burst.stale); i < burst.fetched; ++i) burst.packets[i].reference = ConnectionTable::kSearch;
  burst.stale = burst.fetched;
}

template <typename Ip>
[[gnu::always_inline]] inline Flow<Ip> flow_of(typename Ip::Table::Found found) noexcept {
  if (found.entry == nullptr) [[unlikely]] return {nullptr, kNoReal, Direction::kRequest};
  return {found.entry, found.entry->real, found.direction};
}

// By what the packet goes on; connection nullptr: it is of none.
template <typename Ip>
Flow<Ip> find(Worker& worker, const Packet& packet) noexcept {
  return flow_of<Ip>(
      connections_of<Ip>(worker).find(packet.reference, packet.hash, Ip::lookup_key_of(packet)));
}
// The same of nearly every packet that has a connection; of the others connection is nullptr, too.
template <typename Ip>
[[gnu::always_inline]] inline Flow<Ip> find_fetched(const Packet& packet) noexcept {
  return flow_of<Ip>(Ip::Table::find_fetched(packet.reference, Ip::lookup_key_of(packet)));
}

// False: the packet is of no connection, or may be about to end or reopen the one that it has.
template <typename Ip>
bool is_known(const Worker& worker, const Flow<Ip>& flow, const Packet& packet) noexcept {
  return flow.connection != nullptr && (packet.tcp_flags & kTcpSyn) == 0 &&
         !is_past(flow.connection->expires, worker.now);
}

}  // namespace shunt::dataplane
