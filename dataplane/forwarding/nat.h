// `nat`: requests go to the real's address and port, replies come back through us from the VIP. The client's address
// stays, so the real must route its replies to us.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/forwarding/direct.h"
#include "dataplane/headers.h"
#include "dataplane/snapshot.h"

namespace shunt::dataplane {

// Adjusts the TCP or UDP checksum; UDP's zero ("none", RFC 768) stays, and none becomes zero.
inline void update_l4_checksum(uint8_t* l4, uint8_t protocol, uint16_t delta) noexcept {
  if (protocol == kIpProtocolTcp) {
    auto* tcp = reinterpret_cast<TcpHeader*>(l4);
    tcp->checksum = updated(tcp->checksum, delta);
    return;
  }
  auto* udp = reinterpret_cast<UdpHeader*>(l4);
  if (udp->checksum.raw == 0) return;
  const Be16 sum = updated(udp->checksum, delta);
  udp->checksum = sum.raw == 0 ? Be16{0xffff} : sum;
}

// What becomes of the checksums when the addresses and ports of a request or a reply are exchanged: the IPv4 header's,
// with the TTL's step in it, and TCP's or UDP's, whose pseudo-header has the addresses.
inline void pass_on_request(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  pass_on(ip, connection.request_ip_delta);
  update_l4_checksum(l4, connection.request.protocol, connection.l4_delta);
}
inline void pass_on_reply(const Connection& connection, Ipv4Header* ip, uint8_t* l4) noexcept {
  pass_on(ip, connection.reply_ip_delta);
  update_l4_checksum(l4, connection.request.protocol, inverse(connection.l4_delta));
}
inline void pass_on_request(const Connection6& connection, Ipv6Header* ip, uint8_t* l4) noexcept {
  pass_on(ip);
  update_l4_checksum(l4, connection.request.protocol, connection.l4_delta);
}
inline void pass_on_reply(const Connection6& connection, Ipv6Header* ip, uint8_t* l4) noexcept {
  pass_on(ip);
  update_l4_checksum(l4, connection.request.protocol, inverse(connection.l4_delta));
}

inline void set_destination(Ipv4Header* ip, const IpAddress& address) noexcept { ip->destination = address.v4(); }
inline void set_destination(Ipv6Header* ip, const IpAddress& address) noexcept { ip->destination = address.bytes; }

// By the real, whose cache line was read already; the connection's second half has the same.
template <typename Entry, typename Header>
void rewrite_nat_request(const Entry& connection, const RealEntry& real, Header* ip, uint8_t* l4) noexcept {
  set_destination(ip, real.address);
  reinterpret_cast<UdpHeader*>(l4)->destination_port = real.port;  // TCP's lies there, too
  pass_on_request(connection, ip, l4);
}

template <typename Entry, typename Header>
void rewrite_nat_reply(const Entry& connection, Header* ip, uint8_t* l4) noexcept {
  ip->source = connection.request.destination;
  reinterpret_cast<UdpHeader*>(l4)->source_port = connection.request.destination_port;
  pass_on_reply(connection, ip, l4);
}

}  // namespace shunt::dataplane
