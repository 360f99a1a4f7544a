#include "control/route_intervals.h"

#include <algorithm>
#include <tuple>

namespace shunt::control {
namespace {

using dataplane::RouteInterval;

uint32_t last_of(const RouteChoice& route) noexcept {
  return route.length == 0 ? UINT32_MAX : route.network | (UINT32_MAX >> (route.length - 1) >> 1);
}

bool same_prefix(const RouteChoice& a, const RouteChoice& b) noexcept {
  return a.network == b.network && a.length == b.length;
}

// Collects intervals in order of their start; a later one at the same start replaces the earlier.
class Intervals {
 public:
  void start(uint32_t first, const RouteChoice* route) {
    RouteInterval interval{first, dataplane::kNoNextHop, 0};
    if (route != nullptr) interval = {first, route->via, route->port};
    if (!list.empty() && list.back().first == first) list.pop_back();
    if (!list.empty() && list.back().via == interval.via && list.back().port == interval.port) return;
    list.push_back(interval);
  }
  std::vector<RouteInterval> list;
};

}  // namespace

std::vector<RouteInterval> flatten(std::vector<RouteChoice> routes) {
  if (routes.empty()) return {};
  std::stable_sort(routes.begin(), routes.end(), [](const RouteChoice& a, const RouteChoice& b) {
    return std::tie(a.network, a.length, a.metric) < std::tie(b.network, b.length, b.metric);
  });
  routes.erase(std::unique(routes.begin(), routes.end(), same_prefix), routes.end());

  // Prefixes nest or are disjoint, so those that hold the current address form a stack, the longest on top.
  Intervals intervals;
  std::vector<const RouteChoice*> open;
  intervals.start(0, nullptr);
  const auto close_top = [&] {
    const uint32_t last = last_of(*open.back());
    open.pop_back();
    if (last != UINT32_MAX) intervals.start(last + 1, open.empty() ? nullptr : open.back());
  };
  for (const RouteChoice& route : routes) {
    while (!open.empty() && last_of(*open.back()) < route.network) close_top();
    intervals.start(route.network, &route);
    open.push_back(&route);
  }
  while (!open.empty()) close_top();
  return std::move(intervals.list);
}

}  // namespace shunt::control
