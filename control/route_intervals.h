// Routes as the workers search them: overlapping prefixes become sorted, disjoint intervals. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/next_hops.h"

namespace shunt::control {

// Of one family, `Number` being its addresses'.
template <typename Number>
struct BasicRouteChoice {
  Number network = 0;  // host bits zero
  uint8_t length = 0;
  uint32_t metric = 0;
  // A gateway's id, or kOnLink.
  dataplane::NextHopId via = dataplane::kOnLink;
  uint16_t port = 0;
};
using RouteChoice = BasicRouteChoice<dataplane::Number4>;
using RouteChoice6 = BasicRouteChoice<dataplane::Number6>;

// One interval per stretch of addresses with the same answer, from 0 on: the longest prefix wins, among equal ones the
// lowest metric, among equal ones the first. Stretches without a route have kNoNextHop. Empty without routes.
std::vector<dataplane::RouteInterval> flatten(std::vector<RouteChoice> routes);
std::vector<dataplane::RouteInterval6> flatten(std::vector<RouteChoice6> routes);

}  // namespace shunt::control
