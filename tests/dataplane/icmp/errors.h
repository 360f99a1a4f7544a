// ICMP errors as routers and hosts send them, in either family.
#pragma once

#include <algorithm>

#include "tests/support/packet_builder.h"

namespace shunt::test {

struct ErrorKind {
  uint8_t type;
  uint8_t code;
};
constexpr ErrorKind unreachable(bool is_v6) { return is_v6 ? ErrorKind{1, 3} : ErrorKind{3, 1}; }
constexpr ErrorKind too_big(bool is_v6) { return is_v6 ? ErrorKind{2, 0} : ErrorKind{3, 4}; }
constexpr ErrorKind time_exceeded(bool is_v6) { return is_v6 ? ErrorKind{3, 0} : ErrorKind{11, 0}; }

// What a router quotes: all of the packet, or its first bytes.
inline Bytes quoted(const PacketBuilder& packet, size_t bytes = SIZE_MAX) {
  Bytes all = packet.ip_bytes();
  all.resize(std::min(all.size(), bytes));
  return all;
}

// Without addresses.
inline PacketBuilder icmp_error(ErrorKind kind, const Bytes& quote, uint32_t rest = 0) {
  return a_packet().icmp(kind.type, kind.code, rest).payload(quote);
}

}  // namespace shunt::test
