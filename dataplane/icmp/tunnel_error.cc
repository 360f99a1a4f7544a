#include "dataplane/icmp/tunnel_error.h"

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/forwarding/tunnel.h"
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

// A packet's kind by the number that an IP or GUE header has for it, or by GRE's EtherType; nullopt: no IP packet.
std::optional<AddressFamily> family_of(uint8_t protocol) noexcept {
  if (protocol == kIpProtocolIpip) return AddressFamily::kIpv4;
  if (protocol == kIpProtocolIpv6) return AddressFamily::kIpv6;
  return std::nullopt;
}
std::optional<AddressFamily> family_of(Be16 ether_type) noexcept {
  if (ether_type == kEtherTypeIpv4) return AddressFamily::kIpv4;
  if (ether_type == kEtherTypeIpv6) return AddressFamily::kIpv6;
  return std::nullopt;
}

bool is_own(const Snapshot& snapshot, const IpAddress& address) noexcept {
  return std::any_of(snapshot.port_addresses.begin(), snapshot.port_addresses.end(),
                     [&](const PortAddresses& own) { return address == (address.is_v4() ? own.v4 : own.v6); });
}

// What lies between the outer IP header and the inner one, as forwarding/tunnel.cc writes it.
struct Shim {
  std::optional<AddressFamily> inner;
  uint32_t bytes = 0;
  Be16 port;
};
Shim gre_at(const uint8_t* l4) noexcept {
  const auto* gre = reinterpret_cast<const GreHeader*>(l4);
  if (gre->flags != Be16{} && gre->flags != kGreHasChecksum) return {};
  const uint32_t checksum = gre->flags == Be16{} ? 0 : sizeof(GreChecksum);
  return {family_of(gre->protocol), uint32_t{sizeof *gre} + checksum, {}};
}
Shim gue_at(const uint8_t* l4) noexcept {
  const auto* udp = reinterpret_cast<const UdpHeader*>(l4);
  const auto* gue = reinterpret_cast<const GueHeader*>(udp + 1);
  if (gue->version_and_length != 0 || gue->flags != Be16{}) return {};
  return {family_of(gue->protocol), sizeof *udp + sizeof *gue, udp->destination_port};
}
template <typename Ip>
Shim shim_of(const Snapshot& snapshot, const Quote<Ip>& quote) noexcept {
  if (quote.protocol == kIpProtocolGre) return gre_at(quote.l4);
  if (quote.protocol != kIpProtocolUdp) return {family_of(quote.protocol), 0, {}};
  const bool may_be_gue = quote.l4_bytes >= sizeof(UdpHeader) + sizeof(GueHeader);
  return may_be_gue && is_own(snapshot, address_of(quote.ip->source)) ? gue_at(quote.l4) : Shim{};
}

// How the inner packet's family says what an error about the outer one says; nullopt: it has no such word.
template <typename Inner, typename Outer>
std::optional<IcmpHeader> told_as(const IcmpMessage<Outer>& error, uint32_t mtu) noexcept {
  const Be32 rest = Be32::from_host(mtu);
  if constexpr (Inner::kFamily == Outer::kFamily) {
    if (!concerns_client(error.ip, error.icmp)) return std::nullopt;
    return IcmpHeader{error.icmp->type, error.icmp->code, {}, rest};
  }
  if (!error.is_too_big()) return std::nullopt;
  if (Inner::kFamily == AddressFamily::kIpv6) return IcmpHeader{kIcmpv6TooBig, 0, {}, rest};
  return IcmpHeader{kIcmpUnreachable, kIcmpFragmentationNeeded, {}, rest};
}

// The error becomes ours to the client, about the packet that came from there.
template <typename Inner>
bool tell_client(Worker& worker, const Snapshot& snapshot, const IcmpHeader& header, const Quote<Inner>& inner,
                 uint32_t bytes, Packet& packet) noexcept {
  const Route found = snapshot.next_hops.route_to(address_of(inner.ip->source));
  if (found.kind != Route::Kind::kFound) return false;
  const NextHop& way = snapshot.next_hops.hops[found.hop.index];
  return become_answer<Inner>(worker, snapshot, packet, {inner.ip, bytes}, header, way) &&
         (queue_frame(worker, way.port, packet.mbuf), true);
}

// Nobody but the path to the real has our packet to quote.
template <typename Outer>
bool is_ours(const RealEntry& real, const IcmpMessage<Outer>& error, const TunnelQuote& tunnelled) noexcept {
  return real.method == Method::kTunnel && address_of(error.quote.ip->destination) == real.address &&
         address_of(error.quote.ip->source) == real.local_address && error.is_to_sender() &&
         tunnel_overhead(Outer::kFamily, real.tunnel) == tunnelled.overhead && real.tunnel_port == tunnelled.port;
}

template <typename Inner, typename Outer>
bool relay_about(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Outer>& error,
                 const TunnelQuote& tunnelled, Packet& packet) noexcept {
  const auto inner = quote_at<Inner>(tunnelled.begin, tunnelled.bytes);
  if (!inner || !inner->has_ports()) return false;
  const auto request = inner->key();
  const auto [connection, direction] = connections_of<Inner>(worker).find(request);
  if (connection == nullptr || is_past(connection->expires, worker.now)) {
    const IpFlow flow = IpFlow::from(request);
    const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
    if (service == nullptr || ask_owner<Inner>(worker, snapshot, service, request, packet)) return false;
    return packet.drop(DropReason::kIcmpNoConnection), false;
  }
  const RealEntry& real = snapshot.reals[connection->real.index];
  if (!is_ours(real, error, tunnelled)) return packet.drop(DropReason::kBadIcmpError), false;
  if (!error.has_good_checksum()) return packet.drop(DropReason::kBadIcmpChecksum), false;

  packet.drop(DropReason::kTunnelError);
  uint32_t fits = 0;  // of the client's packet
  if (error.is_too_big()) {
    const uint32_t mtu = error.mtu();
    if (mtu < Outer::kLeastMtu || mtu >= bytes_of(error.quote.ip)) return packet.drop(DropReason::kImpossibleMtu), false;
    if (mtu < real.way_out.mtu + tunnelled.overhead) tell_control(worker, real, static_cast<uint16_t>(mtu));
    if (!seeks_mtu(inner->ip)) return false;
    fits = std::min<uint32_t>(mtu - tunnelled.overhead, real.way_out.mtu);
    // No IPv6 host sends less than this (RFC 8200 section 5).
    if (Inner::kFamily == AddressFamily::kIpv6) fits = std::max(fits, Inner::kLeastMtu);
  }
  const auto header = told_as<Inner>(error, fits);
  return header && tell_client(worker, snapshot, *header, *inner, tunnelled.bytes, packet);
}

}  // namespace

template <typename Ip>
TunnelQuote tunnelled_in(const Snapshot& snapshot, const Quote<Ip>& quote) noexcept {
  const Shim shim = shim_of(snapshot, quote);
  if (!shim.inner || quote.l4_bytes < shim.bytes) return {};
  uint8_t* begin = quote.l4 + shim.bytes;
  return {begin, quote.l4_bytes - shim.bytes, static_cast<uint32_t>(begin - reinterpret_cast<uint8_t*>(quote.ip)),
          *shim.inner, shim.port};
}

template <typename Ip>
bool relay_tunnel_error(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error,
                        const TunnelQuote& tunnelled, Packet& packet) noexcept {
  packet.verdict = Verdict::kKernel;  // about a tunnel of Linux's, as far as we know
  return tunnelled.family == AddressFamily::kIpv4
             ? relay_about<Ipv4>(worker, snapshot, error, tunnelled, packet)
             : relay_about<Ipv6>(worker, snapshot, error, tunnelled, packet);
}

template TunnelQuote tunnelled_in(const Snapshot&, const Quote<Ipv4>&) noexcept;
template TunnelQuote tunnelled_in(const Snapshot&, const Quote<Ipv6>&) noexcept;
template bool relay_tunnel_error(Worker&, const Snapshot&, const IcmpMessage<Ipv4>&, const TunnelQuote&,
                                 Packet&) noexcept;
template bool relay_tunnel_error(Worker&, const Snapshot&, const IcmpMessage<Ipv6>&, const TunnelQuote&,
                                 Packet&) noexcept;

}  // namespace shunt::dataplane
