// Where a packet leaves, and whether it may: next hop, link, TTL, MTU. Before anything is rewritten, so that an ICMP
// error quotes what its receiver sent. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The less travelled ways of route(). The next hop that a route found, as far as it is known; nullptr: the packet is
// decided.
template <typename Ip>
const NextHop* seek(Worker& worker, const NextHops& next_hops, const Route& found, Packet& packet) noexcept;
// Looks up the next hop of a connection's replies; nullptr: the packet is decided.
template <typename Ip>
const NextHop* seek_client(Worker& worker, const NextHops& next_hops, typename Ip::Entry& connection,
                           Packet& packet) noexcept;
// Where a request of a connection of snat (snat.h) leaves, whose slot has no way out; nullptr: the packet is decided.
template <typename Ip>
const WayOut* way_out_of_snat(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                              typename Ip::Entry& connection, Packet& packet) noexcept;
// Decides a packet that may not leave as things are: it does not fit, its time is over, there is no way. `way`: where a
// reply would leave, or nullptr for a request.
template <typename Ip>
void refuse(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const WayOut* way,
            Packet& packet) noexcept;

// Of a packet that seems not to fit its way, which takes `fits` bytes, or 0: none now. Whether it becomes IPv4 when it leaves
// (nat64/crossing.h), and fits then.
bool fits_as_ipv4(const RealEntry& real, const Connection6* connection, Direction direction, const Packet& packet,
                  uint32_t fits) noexcept;

// The way out, or nullptr: the packet is decided. `real` is the flow's. In line wherever it is called, as track() is.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline const WayOut* route(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                                                  const Flow<Ip>& flow, Packet& packet) noexcept {
  const WayOut* way = &real.way_out;
  uint32_t fits = way->mtu;
  if constexpr (kDirection == Direction::kReply) {
    // Looked up once for a connection, and again when a route changed.
    const NextHops& next_hops = snapshot.next_hops;
    typename Ip::Entry& connection = *flow.connection;
    const NextHop* hop = &next_hops.hops[connection.client_hop.index];
    if (connection.route_generation != next_hops.generation || connection.client_hop == kNoNextHop ||
        !hop->resolved) [[unlikely]] {
      hop = seek_client<Ip>(worker, next_hops, connection, packet);
      if (hop == nullptr) return nullptr;
    }
    way = hop;
    fits = snapshot.link_up[hop->port] ? hop->mtu : 0;
  }
  if (packet.ip_bytes > fits || Ip::hop_limit_of(Ip::header_of(packet)) <= 1) [[unlikely]] {
    if (kDirection == Direction::kRequest && real.method == Method::kSnat) {
      return way_out_of_snat<Ip>(worker, snapshot, real, *flow.connection, packet);
    }
    if constexpr (Ip::kFamily == AddressFamily::kIpv6) {
      if (fits_as_ipv4(real, flow.connection, kDirection, packet, fits)) return way;
    }
    refuse<Ip>(worker, snapshot, real, kDirection == Direction::kReply ? way : nullptr, packet);
    return nullptr;
  }
  return way;
}

}  // namespace shunt::dataplane
