#include "dataplane/route.h"

#include <algorithm>

#include "dataplane/answer.h"

namespace shunt::dataplane {
namespace {

void wait_for(Worker& worker, Packet& packet, const Route& unresolved) noexcept {
  ResolveElement request{unresolved.neighbour, unresolved.port};
  // A full ring means that control has plenty to ask about already; the packet's next try asks again.
  rte_ring_enqueue_elem(worker.resolve_requests, &request, sizeof request);
  packet.verdict = Verdict::kWait;
}

// Its way out's port has no address of the real's family, from which an outer header could come.
bool lacks_tunnel_source(const RealEntry& real) noexcept {
  return real.method == Method::kTunnel && real.local_address.is_unspecified();
}

// A request to a real without a next hop.
void seek_real(Worker& worker, const Snapshot& snapshot, const RealEntry& real, Packet& packet) noexcept {
  const Route found = snapshot.next_hops.route_to(real.address);
  if (found.kind == Route::Kind::kNoRoute) return packet.drop(DropReason::kNoRoute);
  wait_for(worker, packet, found);
}

// Whether a packet of `bytes` may be cut into pieces. With sysctl pmtu_disc 0 a tunnel's outer header does not ask what the
// IPv4 packet inside allows (ip_vs_xmit.c ensure_mtu_is_adequate). IPv6 has no routers that do (RFC 8200 section 5), but a packet that
// is ours, a tunnel's, is cut when what it carries is no more than every sender may send.
bool may_be_cut(const Sysctls& sysctls, const Ipv4Header* ip, bool is_tunnels, uint32_t) noexcept {
  return (ip->fragment.raw & kIpDontFragment.raw) == 0 || (is_tunnels && !sysctls.pmtu_disc);
}
bool may_be_cut(const Sysctls&, const Ipv6Header*, bool is_tunnels, uint32_t bytes) noexcept {
  return is_tunnels && bytes <= Ipv6::kLeastMtu;
}

// What a sender is told to fit into: no IPv6 host sends less than the least (RFC 8201 section 4).
uint16_t told_mtu(const Ipv4Header*, uint16_t mtu) noexcept { return mtu; }
uint16_t told_mtu(const Ipv6Header*, uint16_t mtu) noexcept {
  return std::max(mtu, static_cast<uint16_t>(Ipv6::kLeastMtu));
}

}  // namespace

template <typename Ip>
const NextHop* seek(Worker& worker, const NextHops& next_hops, const Route& found, Packet& packet) noexcept {
  switch (found.kind) {
    case Route::Kind::kFound:
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
const NextHop* seek_client(Worker& worker, const NextHops& next_hops, typename Ip::Entry& connection,
                           Packet& packet) noexcept {
  const Route found = next_hops.route_to(IpFlow::from(connection.request).source);
  const NextHop* hop = seek<Ip>(worker, next_hops, found, packet);
  if (hop == nullptr) return nullptr;
  connection.client_hop = found.hop;
  connection.route_generation = next_hops.generation;
  return hop;
}

// In place of seek_client(), for the other direction.
template <typename Ip>
const WayOut* way_out_of_snat(Worker& worker, const Snapshot& snapshot, const RealEntry& real,
                              typename Ip::Entry& connection, Packet& packet) noexcept {
  const NextHops& next_hops = snapshot.next_hops;
  FarHop& far = connection.far_hop;
  if (far.generation != next_hops.generation || far.hop == kNoNextHop || !next_hops.hops[far.hop.index].resolved) {
    const Route found = next_hops.route_to(IpFlow::from(connection.request).destination);
    if (seek<Ip>(worker, next_hops, found, packet) == nullptr) return nullptr;
    far = {found.hop, next_hops.generation};
  }
  const NextHop& way = next_hops.hops[far.hop.index];
  const uint32_t fits = snapshot.link_up[way.port] ? way.mtu : 0;
  if (packet.ip_bytes <= fits && Ip::hop_limit_of(Ip::header_of(packet)) > 1) return &way;
  refuse<Ip>(worker, snapshot, real, &way, packet);
  return nullptr;
}

bool fits_as_ipv4(const RealEntry& real, const Connection6* connection, Direction direction, const Packet& packet,
                  uint32_t fits) noexcept {
  constexpr uint32_t kLess = sizeof(Ipv6Header) - sizeof(Ipv4Header);
  if (fits == 0 || packet.ip_bytes > fits + kLess || packet.ip6->hop_limit <= 1) return false;
  if (direction == Direction::kRequest) return real.crosses() && real.address.is_v4();
  return is_mapped(connection->request.source);
}

template <typename Ip>
void refuse(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const WayOut* way,
            Packet& packet) noexcept {
  const bool is_request = way == nullptr;
  if (is_request && real.next_hop == kNoNextHop) return seek_real(worker, snapshot, real, packet);
  if (is_request) way = &real.way_out;
  if (!snapshot.link_up[way->port]) return packet.drop(DropReason::kPortDown);
  if (is_request && lacks_tunnel_source(real)) return packet.drop(DropReason::kNoLocalAddress);
  const auto* ip = Ip::header_of(packet);
  if (Ip::hop_limit_of(ip) <= 1) {
    return drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kTtlExpired, Answer::kTimeExceeded);
  }
  const bool is_tunnels = is_request && real.method == Method::kTunnel;
  if (packet.verdict == Ip::kUndecided && may_be_cut(snapshot.sysctls, ip, is_tunnels, packet.ip_bytes)) {
    packet.verdict = Verdict::kPieces;
    return;
  }
  drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kTooBig, Answer::kTooBig, told_mtu(ip, way->mtu));
}

template const NextHop* seek_client<Ipv4>(Worker&, const NextHops&, Connection&, Packet&) noexcept;
template const NextHop* seek_client<Ipv6>(Worker&, const NextHops&, Connection6&, Packet&) noexcept;
template const WayOut* way_out_of_snat<Ipv4>(Worker&, const Snapshot&, const RealEntry&, Connection&, Packet&) noexcept;
template const WayOut* way_out_of_snat<Ipv6>(Worker&, const Snapshot&, const RealEntry&, Connection6&,
                                             Packet&) noexcept;
template void refuse<Ipv4>(Worker&, const Snapshot&, const RealEntry&, const WayOut*, Packet&) noexcept;
template void refuse<Ipv6>(Worker&, const Snapshot&, const RealEntry&, const WayOut*, Packet&) noexcept;

}  // namespace shunt::dataplane
