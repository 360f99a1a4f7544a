// Services that are found by what a packet says of itself and not by an address and port alone: by the client's prefix,
// the VIP's prefix, protocol and ports, and the port of the machine that it came in on. Immutable, of a snapshot; built
// by control/match_table_builder.h, searched by workers for packets of no connection.
//
// One rule a service, the first that fits wins. Each of the four questions is an axis cut into stretches where all
// rules answer alike; a stretch has the set of the rules that say yes, a bit for each. A lookup finds four sets, a
// binary search each, and takes the first bit that all have: its cost hardly grows with the rules (`path_bench
// services`).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/next_hops.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// Which rules say yes, by where on the axis a packet is.
template <typename Number>
struct MatchAxis {
  // Where each stretch begins, sorted; the first is 0. Empty: no rule says yes to anything.
  std::span<const Number> begins;
  // MatchTable::words of each stretch.
  std::span<const uint64_t> sets;
};

struct MatchTable {
  // Of a set: a bit for each rule, the first rule's lowest.
  uint32_t words = 0;
  MatchAxis<Number4> clients;
  MatchAxis<Number4> vips;
  MatchAxis<Number6> clients6;
  MatchAxis<Number6> vips6;
  // By protocol_and_port().
  MatchAxis<uint32_t> ports;
  // `words` for each port of the machine, by its DPDK id.
  std::span<const uint64_t> ingress;
  // `words`: the rules that name VIPs.
  std::span<const uint64_t> with_vips;
  // Of each rule: an index into Snapshot::services.
  std::span<const uint32_t> services;

  static constexpr uint32_t kNone = UINT32_MAX;

  bool empty() const noexcept { return words == 0; }
  // The first rule that fits, of those from `from` on, or kNone. `in_port`: DPDK id. noexcept; any thread while the
  // snapshot lives.
  uint32_t find(const IpFlow& flow, uint16_t in_port, uint32_t from = 0) const noexcept;
  // Whether a rule names the address among its VIPs. As above.
  bool is_vip(const IpAddress& address) const noexcept;
  // Whether a rule takes the address for a client. As above.
  bool is_client(const IpAddress& address) const noexcept;
};

constexpr uint32_t protocol_and_port(uint8_t protocol, uint16_t port) noexcept {
  return uint32_t{protocol} << 16 | port;
}

}  // namespace shunt::dataplane
