// Where a packet leaves, and whether it may: next hop, link, TTL, MTU. Before anything is rewritten, so that an ICMP
// error quotes what its receiver sent. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The less travelled ways of route(). Looks up the next hop of a connection's replies; nullptr: the packet is decided.
const NextHop* seek_client(Worker& worker, const NextHops& next_hops, Connection& connection, Packet& packet) noexcept;
// Decides a packet that may not leave as things are: it does not fit, its time is over, there is no way.
void refuse(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Direction direction, const NextHop& hop,
            Packet& packet) noexcept;

// The way out, or nullptr: the packet is decided. `real` is the flow's.
inline const NextHop* route(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow& flow,
                            Packet& packet) noexcept {
  const NextHop* hop = &real.hop;
  uint32_t fits = real.fits;
  if (flow.direction == Direction::kReply) {
    // Looked up once for a connection, and again when a route changed.
    const NextHops& next_hops = snapshot.next_hops;
    Connection& connection = *flow.connection;
    hop = &next_hops.hops[connection.client_hop.index];
    if (connection.route_generation != next_hops.generation || connection.client_hop == kNoNextHop ||
        !hop->resolved) [[unlikely]] {
      hop = seek_client(worker, next_hops, connection, packet);
      if (hop == nullptr) return nullptr;
    }
    fits = snapshot.link_up[hop->port] ? hop->mtu : 0;
  }
  if (packet.ip_bytes > fits || packet.ip->ttl <= 1) [[unlikely]] {
    refuse(worker, snapshot, real, flow.direction, *hop, packet);
    return nullptr;
  }
  return hop;
}

}  // namespace shunt::dataplane
