#include "dataplane/next_hops.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

NextHopId find_neighbour(std::span<const NeighbourSlot> slots, Be32 address, uint16_t port) noexcept {
  if (slots.empty()) return kNoNextHop;
  const uint32_t mask = static_cast<uint32_t>(slots.size()) - 1;
  // The builder leaves at least half of the slots empty, so the walk ends.
  for (uint32_t i = neighbour_hash(address, port) & mask; slots[i].address.raw != 0; i = (i + 1) & mask) {
    if (slots[i].address == address && slots[i].port == port) return slots[i].hop;
  }
  return kNoNextHop;
}

}  // namespace

Route NextHops::route_to(Be32 destination) const noexcept {
  const auto after = std::upper_bound(
      routes.begin(), routes.end(), destination.host(),
      [](uint32_t address, const RouteInterval& interval) { return address < interval.first; });
  if (after == routes.begin()) return {Route::Kind::kNoRoute, kNoNextHop, 0, {}};
  const RouteInterval& interval = *(after - 1);
  if (interval.via == kNoNextHop) return {Route::Kind::kNoRoute, kNoNextHop, 0, {}};
  if (interval.via == kOnLink) {
    const NextHopId hop = find_neighbour(neighbours, destination, interval.port);
    if (hop == kNoNextHop || !hops[hop.index].resolved) {
      return {Route::Kind::kUnresolved, kNoNextHop, interval.port, destination};
    }
    return {Route::Kind::kFound, hop, interval.port, destination};
  }
  const NextHop& gateway = hops[interval.via.index];
  const auto kind = gateway.resolved ? Route::Kind::kFound : Route::Kind::kUnresolved;
  return {kind, interval.via, gateway.port, gateway.address};
}

}  // namespace shunt::dataplane
