// `nat`: requests go to the real's address and port, replies come back through us from the VIP. The client's address
// stays, so the real must route its replies to us.
#pragma once

#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/crc32c.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/headers.h"
#include "dataplane/icmp/echo.h"
#include "dataplane/l4_checksum.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"

namespace shunt::dataplane {

// SCTP's checksum covers the whole packet but no addresses: only the ports' change shows (IPVS computes it anew,
// ip_vs_proto_sctp.c sctp_nat_csum). `before`: the packet's own direction; it becomes the mirror image of `after`.
template <typename Key>
void update_sctp_checksum(const Packet& packet, const Key& before, const Key& after) noexcept {
  const uint32_t ports = static_cast<uint32_t>(before.source_port.raw ^ after.destination_port.raw) |
                         static_cast<uint32_t>(before.destination_port.raw ^ after.source_port.raw) << 16;
  auto* sctp = reinterpret_cast<SctpHeader*>(packet.l4);
  uint32_t checksum;
  std::memcpy(&checksum, sctp->checksum, 4);
  checksum ^= crc32c_delta(ports, packet.sctp_bytes - sizeof ports);
  std::memcpy(sctp->checksum, &checksum, 4);
}

// Of neither TCP nor UDP. An echo's identifier becomes what its ports, which stand in, were made; later fragments have
// none. `delta`: what the change of addresses and ports adds to a sum.
template <typename Key>
[[gnu::noinline]] void update_other_checksum(const Packet& packet, const Key& before, const Key& after,
                                             uint16_t delta) noexcept {
  if (before.protocol == kIpProtocolSctp) return update_sctp_checksum(packet, before, after);
  if (!packet.has_no_ports()) return;
  const uint32_t ports = delta_of(before.source_port, after.destination_port) +
                         delta_of(before.destination_port, after.source_port);
  const EchoPorts made{packet.stand_in.source_port, packet.stand_in.destination_port};
  set_echo_ports(packet.echo(), before.protocol, made, uint32_t{delta} + inverse(fold(ports)));
}

template <typename Entry>
void update_request_checksum(const Entry& connection, const Packet& packet) noexcept {
  if (update_l4_checksum(packet.l4, connection.request.protocol, connection.l4_delta)) [[likely]] return;
  update_other_checksum(packet, connection.request, connection.reply, connection.l4_delta);
}
template <typename Entry>
void update_reply_checksum(const Entry& connection, const Packet& packet) noexcept {
  if (update_l4_checksum(packet.l4, connection.request.protocol, inverse(connection.l4_delta))) [[likely]] return;
  update_other_checksum(packet, connection.reply, connection.request, inverse(connection.l4_delta));
}

// What becomes of the checksums when the addresses and ports of a request or a reply are exchanged: the IPv4 header's,
// with the TTL's step in it, and TCP's or UDP's, whose pseudo-header has the addresses, or SCTP's.
inline void pass_on_request(const Connection& connection, Ipv4Header* ip, const Packet& packet) noexcept {
  pass_on(ip, connection.request_ip_delta);
  update_request_checksum(connection, packet);
}
inline void pass_on_reply(const Connection& connection, Ipv4Header* ip, const Packet& packet) noexcept {
  pass_on(ip, connection.reply_ip_delta);
  update_reply_checksum(connection, packet);
}
inline void pass_on_request(const Connection6& connection, Ipv6Header* ip, const Packet& packet) noexcept {
  pass_on(ip);
  update_request_checksum(connection, packet);
}
inline void pass_on_reply(const Connection6& connection, Ipv6Header* ip, const Packet& packet) noexcept {
  pass_on(ip);
  update_reply_checksum(connection, packet);
}

inline void set_destination(Ipv4Header* ip, const IpAddress& address) noexcept { ip->destination = address.v4(); }
inline void set_destination(Ipv6Header* ip, const IpAddress& address) noexcept { ip->destination = address.bytes; }

// The address by the real, whose cache line was read already; the port is the connection's, since a real may keep the
// packets' ports.
template <typename Entry, typename Header>
void rewrite_nat_request(const Entry& connection, const RealEntry& real, Header* ip, const Packet& packet) noexcept {
  set_destination(ip, real.address);
  packet.udp->destination_port = real_port_of(connection);  // TCP's and SCTP's lie there, too
  pass_on_request(connection, ip, packet);
}

template <typename Entry, typename Header>
void rewrite_nat_reply(const Entry& connection, Header* ip, const Packet& packet) noexcept {
  ip->source = connection.request.destination;
  packet.udp->source_port = connection.request.destination_port;
  pass_on_reply(connection, ip, packet);
}

}  // namespace shunt::dataplane
