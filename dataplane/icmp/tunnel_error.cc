#include "dataplane/icmp/tunnel_error.h"

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/icmp/search.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

uint32_t bytes_of(const Ipv4Header* ip) noexcept { return ip->total_length.host(); }
uint32_t bytes_of(const Ipv6Header* ip) noexcept { return uint32_t{sizeof *ip} + ip->payload_length.host(); }

// Whether its sender looks for its path's MTU; IPv6's always do (RFC 8201).
bool seeks_mtu(const Ipv4Header* ip) noexcept { return (ip->fragment.raw & kIpDontFragment.raw) != 0; }
bool seeks_mtu(const Ipv6Header*) noexcept { return true; }

// What has a meaning to the packet's sender, too. Where in our packet something is wrong (parameter problem) has none.
bool concerns_client(const Ipv4Header*, const IcmpHeader* icmp) noexcept { return icmp->type != kIcmpSourceQuench; }
bool concerns_client(const Ipv6Header*, const IcmpHeader* icmp) noexcept {
  return icmp->type == kIcmpv6Unreachable || icmp->type == kIcmpv6TooBig || icmp->type == kIcmpv6TimeExceeded;
}

void tell_control(Worker& worker, const RealEntry& real, uint16_t mtu) noexcept {
  PathMtuElement news{real.address, mtu};
  // A full ring: the path's next error tells again.
  rte_ring_enqueue_elem(worker.path_mtus, &news, sizeof news);
}

// The error becomes ours to the client, about the packet that came from there.
template <typename Ip>
bool tell_client(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error, const Quote<Ip>& inner,
                 uint32_t bytes, uint32_t mtu, Packet& packet) noexcept {
  const Route found = snapshot.next_hops.route_to(address_of(inner.ip->source));
  if (found.kind != Route::Kind::kFound) return false;
  const NextHop& way = snapshot.next_hops.hops[found.hop.index];
  const IcmpHeader header{error.icmp->type, error.icmp->code, {}, Be32::from_host(mtu)};
  return become_answer<Ip>(worker, snapshot, packet, {inner.ip, bytes}, header, way) &&
         (queue_frame(worker, way.port, packet.mbuf), true);
}

}  // namespace

template <typename Ip>
bool relay_tunnel_error(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error,
                        const TunnelQuote& tunnelled, Packet& packet) noexcept {
  packet.verdict = Verdict::kKernel;  // about a tunnel of Linux's, as far as we know
  const auto inner = quote_at<Ip>(tunnelled.begin, tunnelled.bytes);
  if (!inner || !inner->has_ports()) return false;
  const auto request = inner->key();
  const auto [connection, direction] = connections_of<Ip>(worker).find(request);
  if (connection == nullptr || is_past(connection->expires, worker.now)) {
    const IpFlow flow = IpFlow::from(request);
    const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
    if (service == nullptr || ask_owner<Ip>(worker, snapshot, service, request, packet)) return false;
    return packet.drop(DropReason::kIcmpNoConnection), false;
  }
  // Nobody but the path to the real has our packet to quote.
  const RealEntry& real = snapshot.reals[connection->real.index];
  const bool is_ours = real.method == Method::kTunnel && address_of(error.quote.ip->destination) == real.address &&
                       address_of(error.quote.ip->source) == real.local_address && error.is_to_sender();
  if (!is_ours) return packet.drop(DropReason::kBadIcmpError), false;
  if (!error.has_good_checksum()) return packet.drop(DropReason::kBadIcmpChecksum), false;

  packet.drop(DropReason::kTunnelError);
  uint32_t fits = 0;  // of the client's packet
  if (error.is_too_big()) {
    const uint32_t mtu = error.mtu();
    if (mtu < Ip::kLeastMtu || mtu >= bytes_of(error.quote.ip)) return packet.drop(DropReason::kImpossibleMtu), false;
    if (mtu < real.way_out.mtu + tunnelled.overhead) tell_control(worker, real, static_cast<uint16_t>(mtu));
    if (!seeks_mtu(inner->ip)) return false;
    fits = std::min<uint32_t>(mtu - tunnelled.overhead, real.way_out.mtu);
    // No IPv6 host sends less than this (RFC 8200 section 5).
    if (Ip::kFamily == AddressFamily::kIpv6) fits = std::max(fits, Ip::kLeastMtu);
  }
  return concerns_client(error.ip, error.icmp) &&
         tell_client(worker, snapshot, error, *inner, tunnelled.bytes, fits, packet);
}

template bool relay_tunnel_error(Worker&, const Snapshot&, const IcmpMessage<Ipv4>&, const TunnelQuote&,
                                 Packet&) noexcept;
template bool relay_tunnel_error(Worker&, const Snapshot&, const IcmpMessage<Ipv6>&, const TunnelQuote&,
                                 Packet&) noexcept;

}  // namespace shunt::dataplane
