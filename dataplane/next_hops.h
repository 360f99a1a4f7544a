// Where packets leave: neighbours with their MAC addresses, and routes that choose among them. Immutable once
// built (control/ builds, workers read); ids are stable from one to the next.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// How a frame leaves. Begins as the frame does.
struct WayOut {
  MacAddress destination_mac;
  MacAddress source_mac;
  uint16_t port = 0;
  // Bytes of an IP packet that it takes.
  uint16_t mtu = 0;

  bool operator==(const WayOut&) const noexcept = default;
};
static_assert(sizeof(WayOut) == 16);

// One neighbour on one port.
struct alignas(64) NextHop : WayOut {
  // The port's own address towards this neighbour: outer source of tunnels, source of ICMP errors.
  IpAddress local_address;
  IpAddress address;
  bool resolved = false;
  // Resolved by an operator's word: control need not ask whether it is still there.
  bool is_fixed = false;

  bool operator==(const NextHop&) const noexcept = default;
};
static_assert(sizeof(NextHop) == 64);

inline constexpr NextHopId kNoNextHop{UINT16_MAX};

// An address as a number, so that addresses have an order and intervals: host order, IPv4 in 32 bits, IPv6 in 128.
using Number4 = uint32_t;
using Number6 = unsigned __int128;
// REQUIRES: the address is of that family.
inline Number4 number4_of(const IpAddress& address) noexcept { return address.v4().host(); }
inline Number6 number6_of(const IpAddress& address) noexcept {
  return Number6{__builtin_bswap64(address.first_half())} << 64 | __builtin_bswap64(address.second_half());
}

// The routes of a family as disjoint intervals of destinations, sorted: a lookup is a binary search over starts. Only
// new connections and changed routes look here, so size matters more than a load.
template <typename Number>
struct BasicRouteInterval {
  Number first;  // the interval ends before the next one's first
  // A gateway's id; kOnLink: the destination itself is the neighbour; kNoNextHop: no route.
  NextHopId via;
  uint16_t port;
};
using RouteInterval = BasicRouteInterval<Number4>;
using RouteInterval6 = BasicRouteInterval<Number6>;
inline constexpr NextHopId kOnLink{UINT16_MAX - 1};

// An on-link neighbour by (port, address), in an open-addressed table of a power of two of slots; kNoNextHop: empty.
struct NeighbourSlot {
  IpAddress address;
  uint16_t port = 0;
  NextHopId hop = kNoNextHop;
};

// The outcome of a lookup.
struct Route {
  enum class Kind : uint8_t { kFound, kUnresolved, kNoRoute };
  Kind kind;
  NextHopId hop;        // kFound
  uint16_t port;        // kUnresolved: where to ask
  IpAddress neighbour;  // kUnresolved: whom to ask for
};

struct NextHops {
  std::span<const NextHop> hops;  // by NextHopId
  std::span<const RouteInterval> routes;
  std::span<const RouteInterval6> routes6;
  std::span<const NeighbourSlot> neighbours;
  // Grows with every change of a route or an id's meaning; cached ids of older generations are looked up anew.
  uint16_t generation = 0;

  // Where packets to `destination` go. noexcept, no allocation; any thread while the snapshot lives.
  Route route_to(const IpAddress& destination) const noexcept;
};

// Hash of a neighbour slot; shared with the builder.
inline uint32_t neighbour_hash(const IpAddress& address, uint16_t port) noexcept {
  return table_hash(address) ^ (port * 40503u);
}

}  // namespace shunt::dataplane
