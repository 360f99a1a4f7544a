// ICMP echoes, which snat tells apart by their identifier as TCP's and UDP's packets by ports (RFC 5508 section 3.1): a
// request's is its source port, a reply's its destination port, and the other port is 0. Values and pure functions; any
// thread.
#pragma once

#include <cstring>
#include <optional>

#include "dataplane/checksum.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// RFC 792, RFC 4443 section 4.
struct EchoHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be16 id;
  Be16 sequence;
};
static_assert(sizeof(EchoHeader) == 8);

struct EchoPorts {
  Be16 source;
  Be16 destination;
};
static_assert(sizeof(EchoPorts) == 4);

constexpr bool is_icmp(uint8_t protocol) noexcept {
  return protocol == kIpProtocolIcmp || protocol == kIpProtocolIcmpv6;
}
inline bool is_echo_request(const uint8_t* icmp, uint8_t protocol) noexcept {
  return *icmp == (protocol == kIpProtocolIcmp ? kIcmpEchoRequest : kIcmpv6EchoRequest);
}

// Of a message with a whole first eight bytes; nullopt: it is no echo.
inline std::optional<EchoPorts> echo_ports(const uint8_t* icmp, uint8_t protocol) noexcept {
  EchoHeader echo;
  std::memcpy(static_cast<void*>(&echo), icmp, sizeof echo);
  if (is_echo_request(icmp, protocol)) return EchoPorts{echo.id, {}};
  const bool is_reply = echo.type == (protocol == kIpProtocolIcmp ? kIcmpEchoReply : kIcmpv6EchoReply);
  return is_reply ? std::optional(EchoPorts{{}, echo.id}) : std::nullopt;
}

// Gives an echo the identifier that is one of the ports. `addresses`: what their change adds to a sum; ICMP's checksum
// does not have them, ICMPv6's does (RFC 8200 section 8.1).
inline void set_echo_ports(uint8_t* icmp, uint8_t protocol, EchoPorts ports, uint32_t addresses) noexcept {
  EchoHeader echo;
  std::memcpy(static_cast<void*>(&echo), icmp, sizeof echo);
  const Be16 id{static_cast<uint16_t>(ports.source.raw | ports.destination.raw)};
  const uint64_t delta = uint64_t{delta_of(echo.id, id)} + (protocol == kIpProtocolIcmpv6 ? addresses : 0);
  echo.id = id;
  echo.checksum = updated(echo.checksum, fold(delta));
  std::memcpy(icmp, static_cast<const void*>(&echo), sizeof echo);
}

}  // namespace shunt::dataplane
