// Where a packet leaves, and whether it may: next hop, link, TTL, MTU. Before anything is rewritten, so that an ICMP
// error quotes what its receiver sent. Worker only.
#pragma once

#include "dataplane/forwarding/tunnel.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The less travelled ways of route(): no next hop is known yet, or the packet does not fit. Each decides the packet
// or sets its next_hop.
void seek_real(Worker& worker, const RealEntry& real, Packet& packet) noexcept;
void seek_client(Worker& worker, const NextHops& next_hops, Packet& packet) noexcept;
void refuse(Worker& worker, const Snapshot& snapshot, Packet& packet, const NextHop& hop) noexcept;

// Sets next_hop and out_port, or decides the packet. `real` is its connection's or the one chosen for it.
inline void route(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Packet& packet) noexcept {
  const NextHops& next_hops = snapshot.next_hops;
  uint32_t added = 0;
  if (packet.direction == Direction::kRequest) {
    packet.next_hop = real.next_hop;
    if (real.next_hop == kNoNextHop) [[unlikely]] return seek_real(worker, real, packet);
    if (real.method == Method::kTunnel) added = kTunnelOverhead;
  } else {
    // Looked up once for a connection, and again when a route changed.
    const Connection& connection = *packet.connection;
    packet.next_hop = connection.client_hop;
    if (connection.client_hop == kNoNextHop || connection.route_generation != next_hops.generation ||
        !next_hops.hops[connection.client_hop.index].resolved) [[unlikely]] {
      seek_client(worker, next_hops, packet);
      if (!packet.undecided()) return;
    }
  }
  const NextHop& hop = next_hops.hops[packet.next_hop.index];
  packet.out_port = hop.port;
  if (packet.ip_bytes + added > hop.mtu || packet.ip->ttl <= 1 || !snapshot.link_up[hop.port]) [[unlikely]] {
    refuse(worker, snapshot, packet, hop);
  }
}

}  // namespace shunt::dataplane
