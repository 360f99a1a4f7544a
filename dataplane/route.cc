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

// A request to a real without a next hop.
void seek_real(Worker& worker, const RealEntry& real, Packet& packet) noexcept {
  if (real.no_route) return packet.drop(DropReason::kNoRoute);
  wait_for(worker, packet, real.neighbour_port, real.neighbour);
}

}  // namespace

const NextHop* seek_client(Worker& worker, const NextHops& next_hops, Connection& connection, Packet& packet) noexcept {
  const Route found = next_hops.route_to(connection.request.source);
  switch (found.kind) {
    case Route::Kind::kFound:
      connection.client_hop = found.hop;
      connection.route_generation = next_hops.generation;
      return &next_hops.hops[found.hop.index];
    case Route::Kind::kUnresolved:
      wait_for(worker, packet, found.port, found.neighbour);
      return nullptr;
    case Route::Kind::kNoRoute:
      packet.drop(DropReason::kNoRoute);
      return nullptr;
  }
  return nullptr;
}

void refuse(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Direction direction, const NextHop& hop,
            Packet& packet) noexcept {
  const bool is_request = direction == Direction::kRequest;
  if (is_request && real.next_hop == kNoNextHop) return seek_real(worker, real, packet);
  if (!snapshot.link_up[hop.port]) return packet.drop(DropReason::kPortDown);
  if (packet.ip->ttl <= 1) {
    return drop_with_answer(worker, snapshot, packet, DropReason::kTtlExpired, Answer::kTimeExceeded);
  }
  if ((packet.ip->fragment.raw & kIpDontFragment.raw) == 0) return packet.drop(DropReason::kTooBig);
  const uint16_t fits = is_request ? real.fits : hop.mtu;
  drop_with_answer(worker, snapshot, packet, DropReason::kTooBig, Answer::kFragmentationNeeded, fits);
}

}  // namespace shunt::dataplane
