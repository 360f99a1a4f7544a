// Routes as the workers search them: overlapping prefixes become sorted, disjoint intervals. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/next_hops.h"
#include "src/base/byte_order.h"

namespace shunt::control {

struct RouteChoice {
  uint32_t network = 0;  // host order, host bits zero
  uint8_t length = 0;
  uint32_t metric = 0;
  // A gateway's id, or kOnLink.
  dataplane::NextHopId via = dataplane::kOnLink;
  uint16_t port = 0;
};

// One interval per stretch of addresses with the same answer, from 0 on: the longest prefix wins, among equal ones the
// lowest metric, among equal ones the first. Stretches without a route have kNoNextHop. Empty without routes.
std::vector<dataplane::RouteInterval> flatten(std::vector<RouteChoice> routes);

}  // namespace shunt::control
