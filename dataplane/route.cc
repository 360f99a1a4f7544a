#include "dataplane/route.h"

#include "dataplane/answer.h"

namespace shunt::dataplane {
namespace {

void wait_for(Worker& worker, Packet& packet, uint16_t port, Be32 neighbour) noexcept {
  ResolveElement request{neighbour, port};
  // A full ring means that control has plenty to ask about already; the packet's next try asks again.
  rte_ring_enqueue_elem(worker.resolve_requests, &request, sizeof request);
  packet.verdict = Verdict::kWait;
}

}  // namespace

void seek_real(Worker& worker, const RealEntry& real, Packet& packet) noexcept {
  if (real.no_route) return packet.drop(DropReason::kNoRoute);
  wait_for(worker, packet, real.neighbour_port, real.neighbour);
}

void seek_client(Worker& worker, const NextHops& next_hops, Packet& packet) noexcept {
  Connection& connection = *packet.connection;
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

void refuse(Worker& worker, const Snapshot& snapshot, Packet& packet, const NextHop& hop) noexcept {
  if (!snapshot.link_up[hop.port]) return packet.drop(DropReason::kPortDown);
  if (packet.ip->ttl <= 1) {
    return drop_with_answer(worker, snapshot, packet, DropReason::kTtlExpired, Answer::kTimeExceeded);
  }
  if ((packet.ip->fragment.raw & kIpDontFragment.raw) == 0) return packet.drop(DropReason::kTooBig);
  const bool tunnelled = packet.direction == Direction::kRequest &&
                         snapshot.reals[packet.real.index].method == Method::kTunnel;
  const auto fits = static_cast<uint16_t>(hop.mtu - (tunnelled ? kTunnelOverhead : 0));
  drop_with_answer(worker, snapshot, packet, DropReason::kTooBig, Answer::kFragmentationNeeded, fits);
}

}  // namespace shunt::dataplane
