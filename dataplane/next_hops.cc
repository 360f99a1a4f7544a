#include "dataplane/next_hops.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

NextHopId find_neighbour(std::span<const NeighbourSlot> slots, const IpAddress& address, uint16_t port) noexcept {
  if (slots.empty()) return kNoNextHop;
  const uint32_t mask = static_cast<uint32_t>(slots.size()) - 1;
  // The builder leaves at least half of the slots empty, so the walk ends.
  for (uint32_t i = neighbour_hash(address, port) & mask; slots[i].hop != kNoNextHop; i = (i + 1) & mask) {
    if (slots[i].address == address && slots[i].port == port) return slots[i].hop;
  }
  return kNoNextHop;
}

// The interval that holds the number; nullptr: it lies before all of them.
template <typename Number>
const BasicRouteInterval<Number>* interval_of(std::span<const BasicRouteInterval<Number>> routes,
                                              Number number) noexcept {
  const auto after = std::upper_bound(
      routes.begin(), routes.end(), number,
      [](Number address, const BasicRouteInterval<Number>& interval) { return address < interval.first; });
  return after == routes.begin() ? nullptr : &*(after - 1);
}

}  // namespace

Route NextHops::route_to(const IpAddress& destination) const noexcept {
  NextHopId via = kNoNextHop;
  uint16_t port = 0;
  if (destination.is_v4()) {
    if (const auto* found = interval_of(routes, number4_of(destination))) via = found->via, port = found->port;
  } else {
    if (const auto* found = interval_of(routes6, number6_of(destination))) via = found->via, port = found->port;
  }
  if (via == kNoNextHop) return {Route::Kind::kNoRoute, kNoNextHop, 0, {}};
  if (via == kOnLink) {
    const NextHopId hop = find_neighbour(neighbours, destination, port);
    if (hop == kNoNextHop || !hops[hop.index].resolved) {
      return {Route::Kind::kUnresolved, kNoNextHop, port, destination};
    }
    return {Route::Kind::kFound, hop, port, destination};
  }
  const NextHop& gateway = hops[via.index];
  const auto kind = gateway.resolved ? Route::Kind::kFound : Route::Kind::kUnresolved;
  return {kind, via, gateway.port, gateway.address};
}

}  // namespace shunt::dataplane
