#include "dataplane/route.h"

#include "dataplane/answer.h"

namespace shunt::dataplane {
namespace {

void wait_for(Worker& worker, Packet& packet, const Route& unresolved) noexcept {
  ResolveElement request{unresolved.neighbour, unresolved.port};
  // A full ring means that control has plenty to ask about already; the packet's next try asks again.
  rte_ring_enqueue_elem(worker.resolve_requests, &request, sizeof request);
  packet.verdict = Verdict::kWait;
}

// A request to a real without a next hop.
void seek_real(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Packet& packet) noexcept {
  const Route found = snapshot.next_hops.route_to(real.address);
  if (found.kind == Route::Kind::kNoRoute) return packet.drop(DropReason::kNoRoute);
  wait_for(worker, packet, found);
}

// A router may cut it into pieces; IPv6 has no such routers (RFC 8200 section 5).
bool may_be_fragmented(const Ipv4Header* ip) noexcept { return (ip->fragment.raw & kIpDontFragment.raw) == 0; }
bool may_be_fragmented(const Ipv6Header*) noexcept { return false; }

}  // namespace

template <typename Ip>
const NextHop* seek_client(Worker& worker, const NextHops& next_hops, typename Ip::Entry& connection,
                           Packet& packet) noexcept {
  const Route found = next_hops.route_to(IpFlow::from(connection.request).source);
  switch (found.kind) {
    case Route::Kind::kFound:
      connection.client_hop = found.hop;
      connection.route_generation = next_hops.generation;
      return &next_hops.hops[found.hop.index];
    case Route::Kind::kUnresolved:
      wait_for(worker, packet, found);
      return nullptr;
    case Route::Kind::kNoRoute:
      packet.drop(DropReason::kNoRoute);
      return nullptr;
  }
  return nullptr;
}

template <typename Ip>
void refuse(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const WayOut* way,
            Packet& packet) noexcept {
  const bool is_request = way == nullptr;
  if (is_request && real.next_hop == kNoNextHop) return seek_real(worker, snapshot, real, packet);
  if (is_request) way = &real.way_out;
  if (!snapshot.link_up[way->port]) return packet.drop(DropReason::kPortDown);
  const auto* ip = Ip::header_of(packet);
  if (Ip::hop_limit_of(ip) <= 1) {
    return drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kTtlExpired, Answer::kTimeExceeded);
  }
  if (may_be_fragmented(ip)) return packet.drop(DropReason::kTooBig);
  drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kTooBig, Answer::kTooBig, way->mtu);
}

template const NextHop* seek_client<Ipv4>(Worker&, const NextHops&, Connection&, Packet&) noexcept;
template const NextHop* seek_client<Ipv6>(Worker&, const NextHops&, Connection6&, Packet&) noexcept;
template void refuse<Ipv4>(Worker&, const Snapshot&, const RealEntry&, const WayOut*, Packet&) noexcept;
template void refuse<Ipv6>(Worker&, const Snapshot&, const RealEntry&, const WayOut*, Packet&) noexcept;

}  // namespace shunt::dataplane
