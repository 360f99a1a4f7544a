#include "control/port_stretches.h"

#include <algorithm>
#include <set>

namespace shunt::control {
namespace {

using dataplane::PortStretch;

// A range while it is open, the narrowest first.
struct Open {
  uint32_t width;
  uint32_t place;
  auto operator<=>(const Open&) const = default;
};

}  // namespace

std::vector<PortStretch> stretches_of(std::vector<PortsOf> ranges) {
  // Where something begins or ends behind: a place in `ranges`, and which of the two.
  struct Edge {
    uint32_t port;
    uint32_t place;
    bool opens;
  };
  std::vector<Edge> edges;
  for (uint32_t i = 0; i < ranges.size(); ++i) {
    edges.push_back({ranges[i].ports.first, i, true});
    edges.push_back({uint32_t{ranges[i].ports.last} + 1, i, false});
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.port < b.port; });

  std::vector<PortStretch> stretches{{}};
  std::set<Open> open;
  for (size_t i = 0; i < edges.size();) {
    const uint32_t port = edges[i].port;
    for (; i < edges.size() && edges[i].port == port; ++i) {
      const PortRange& ports = ranges[edges[i].place].ports;
      const Open entry{uint32_t{ports.last} - ports.first, edges[i].place};
      if (edges[i].opens)
        open.insert(entry);
      else
        open.erase(entry);
    }
    if (port > UINT16_MAX) break;
    const uint32_t service = open.empty() ? PortStretch::kNobody : ranges[open.begin()->place].service;
    if (stretches.back().first == port) stretches.pop_back();
    if (stretches.empty() || stretches.back().service != service) {
      stretches.push_back({static_cast<uint16_t>(port), service});
    }
  }
  return stretches;
}

}  // namespace shunt::control
