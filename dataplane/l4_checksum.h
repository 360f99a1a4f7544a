// Changes of a TCP or UDP checksum (RFC 1624). Pure functions; any thread.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// Adjusts the TCP or UDP checksum; UDP's zero ("none", RFC 768) stays, and none becomes zero. False: the protocol has
// another kind, SCTP's or ICMP's.
inline bool update_l4_checksum(uint8_t* l4, uint8_t protocol, uint16_t delta) noexcept {
  if (protocol == kIpProtocolTcp) {
    auto* tcp = reinterpret_cast<TcpHeader*>(l4);
    tcp->checksum = updated(tcp->checksum, delta);
    return true;
  }
  if (protocol != kIpProtocolUdp) [[unlikely]] return false;
  auto* udp = reinterpret_cast<UdpHeader*>(l4);
  if (udp->checksum.raw == 0) return true;
  const Be16 sum = updated(udp->checksum, delta);
  udp->checksum = sum.raw == 0 ? Be16{0xffff} : sum;
  return true;
}

}  // namespace shunt::dataplane
