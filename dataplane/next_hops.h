// Where packets leave: neighbours with their MAC addresses, and routes that choose among them. Immutable once
// built (control/ builds, workers read); ids are stable from one to the next.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// One neighbour on one port. Begins as the frames to it do.
struct alignas(32) NextHop {
  MacAddress destination_mac;
  MacAddress source_mac;
  uint16_t port = 0;
  // Bytes of an IP packet that the way out takes.
  uint16_t mtu = 0;
  // The port's own address towards this neighbour: outer source of tunnels, source of ICMP errors.
  Be32 local_address;
  Be32 address;
  bool resolved = false;

  bool operator==(const NextHop&) const noexcept = default;
};
static_assert(sizeof(NextHop) == 32);

inline constexpr NextHopId kNoNextHop{UINT16_MAX};

// The routes as disjoint intervals of IPv4 destinations, sorted: a lookup is a binary search over starts. Only new
// connections and changed routes look here, so size matters more than a load.
struct RouteInterval {
  uint32_t first;  // host order; the interval ends before the next one's first
  // A gateway's id; kOnLink: the destination itself is the neighbour; kNoNextHop: no route.
  NextHopId via;
  uint16_t port;
};
inline constexpr NextHopId kOnLink{UINT16_MAX - 1};

// An on-link neighbour by (port, address), in an open-addressed table of a power of two of slots; address 0: empty.
struct NeighbourSlot {
  Be32 address;
  uint16_t port;
  NextHopId hop;
};

// The outcome of a lookup.
struct Route {
  enum class Kind : uint8_t { kFound, kUnresolved, kNoRoute };
  Kind kind;
  NextHopId hop;   // kFound
  uint16_t port;   // kUnresolved: where to ask
  Be32 neighbour;  // kUnresolved: whom to ask for
};

struct NextHops {
  std::span<const NextHop> hops;  // by NextHopId
  std::span<const RouteInterval> routes;
  std::span<const NeighbourSlot> neighbours;
  // Grows with every change of a route or an id's meaning; cached ids of older generations are looked up anew.
  uint16_t generation = 0;

  // Where packets to `destination` go. noexcept, no allocation; any thread while the snapshot lives.
  Route route_to(Be32 destination) const noexcept;
};

// Hash of a neighbour slot; shared with the builder.
constexpr uint32_t neighbour_hash(Be32 address, uint16_t port) noexcept {
  return (address.raw * 2654435761u) ^ (port * 40503u) ^ (address.raw >> 15);
}

}  // namespace shunt::dataplane
