#include "control/route_intervals.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace shunt::control {
namespace {

using dataplane::BasicRouteInterval;

// The last address there is.
template <typename Number>
constexpr Number kEnd = ~Number{0};

template <typename Number>
Number last_of(const BasicRouteChoice<Number>& route) noexcept {
  // Two shifts, since one by all bits is undefined.
  return route.length == 0 ? kEnd<Number> : route.network | (kEnd<Number> >> (route.length - 1) >> 1);
}

template <typename Number>
bool same_prefix(const BasicRouteChoice<Number>& a, const BasicRouteChoice<Number>& b) noexcept {
  return a.network == b.network && a.length == b.length;
}

// Collects intervals in order of their start; a later one at the same start replaces the earlier.
template <typename Number>
class Intervals {
 public:
  void start(Number first, const BasicRouteChoice<Number>* route) {
    BasicRouteInterval<Number> interval{first, dataplane::kNoNextHop, 0};
    if (route != nullptr) interval = {first, route->via, route->port};
    if (!list.empty() && list.back().first == first) list.pop_back();
    if (!list.empty() && list.back().via == interval.via && list.back().port == interval.port) return;
    list.push_back(interval);
  }
  std::vector<BasicRouteInterval<Number>> list;
};

template <typename Number>
std::vector<BasicRouteInterval<Number>> flattened(std::vector<BasicRouteChoice<Number>> routes) {
  using Choice = BasicRouteChoice<Number>;
  if (routes.empty()) return {};
  std::stable_sort(routes.begin(), routes.end(), [](const Choice& a, const Choice& b) {
    return std::tie(a.network, a.length, a.metric) < std::tie(b.network, b.length, b.metric);
  });
  routes.erase(std::unique(routes.begin(), routes.end(), same_prefix<Number>), routes.end());

  // Prefixes nest or are disjoint, so those that hold the current address form a stack, the longest on top.
  Intervals<Number> intervals;
  std::vector<const Choice*> open;
  intervals.start(0, nullptr);
  const auto close_top = [&] {
    const Number last = last_of(*open.back());
    open.pop_back();
    if (last != kEnd<Number>) intervals.start(last + 1, open.empty() ? nullptr : open.back());
  };
  for (const Choice& route : routes) {
    while (!open.empty() && last_of(*open.back()) < route.network) close_top();
    intervals.start(route.network, &route);
    open.push_back(&route);
  }
  while (!open.empty()) close_top();
  return std::move(intervals.list);
}

}  // namespace

using dataplane::RouteInterval;
using dataplane::RouteInterval6;

std::vector<RouteInterval> flatten(std::vector<RouteChoice> routes) { return flattened(std::move(routes)); }
std::vector<RouteInterval6> flatten(std::vector<RouteChoice6> routes) { return flattened(std::move(routes)); }

}  // namespace shunt::control
