#include "dataplane/route.h"

#include "dataplane/answer.h"
#include "dataplane/forwarding/tunnel.h"

namespace shunt::dataplane {
namespace {

void wait_for(Worker& worker, Packet& packet, uint16_t port, Be32 neighbour) noexcept {
  ResolveElement request{neighbour, port};
  // A full ring means that control has plenty to ask about already; the packet's next try asks again.
  rte_ring_enqueue_elem(worker.resolve_requests, &request, sizeof request);
  packet.verdict = Verdict::kWait;
}

// Toward the real, as control resolved it.
void route_request(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[packet.real.index];
  packet.next_hop = real.next_hop;
  if (real.next_hop != kNoNextHop) [[likely]] return;
  if (real.no_route) return packet.drop(DropReason::kNoRoute);
  wait_for(worker, packet, real.neighbour_port, real.neighbour);
}

// Toward the client: looked up once for a connection, and again when a route changed.
void route_reply(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  Connection& connection = *packet.connection;
  const NextHops& next_hops = snapshot.next_hops;
  if (connection.client_hop != kNoNextHop && connection.route_generation == next_hops.generation &&
      next_hops.hops[connection.client_hop.index].resolved) [[likely]] {
    packet.next_hop = connection.client_hop;
    return;
  }
  const Route found = next_hops.route_to(connection.request.source);
  switch (found.kind) {
    case Route::Kind::kFound:
      connection.client_hop = packet.next_hop = found.hop;
      connection.route_generation = next_hops.generation;
      return;
    case Route::Kind::kUnresolved:
      return wait_for(worker, packet, found.port, found.neighbour);
    case Route::Kind::kNoRoute:
      return packet.drop(DropReason::kNoRoute);
  }
}

void check_fit(Worker& worker, const Snapshot& snapshot, Packet& packet, const NextHop& hop) noexcept {
  const bool tunnelled = packet.direction == Direction::kRequest &&
                         snapshot.reals[packet.real.index].method == Method::kTunnel;
  const uint32_t added = tunnelled ? kTunnelOverhead : 0;
  if (packet.ip_bytes + added > hop.mtu) [[unlikely]] {
    if ((packet.ip->fragment.raw & kIpDontFragment.raw) == 0) return packet.drop(DropReason::kTooBig);
    return drop_with_answer(worker, snapshot, packet, DropReason::kTooBig, Answer::kFragmentationNeeded,
                            static_cast<uint16_t>(hop.mtu - added));
  }
  if (packet.ip->ttl <= 1) [[unlikely]] {
    return drop_with_answer(worker, snapshot, packet, DropReason::kTtlExpired, Answer::kTimeExceeded);
  }
}

}  // namespace

void route(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    if (packet.direction == Direction::kRequest) route_request(worker, snapshot, packet);
    else route_reply(worker, snapshot, packet);
    if (!packet.undecided()) continue;
    const NextHop& hop = snapshot.next_hops.hops[packet.next_hop.index];
    packet.out_port = hop.port;
    if (!snapshot.link_up[hop.port]) [[unlikely]] packet.drop(DropReason::kPortDown);
    else check_fit(worker, snapshot, packet, hop);
  }
}

}  // namespace shunt::dataplane
