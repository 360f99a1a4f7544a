#include "control/next_hop_table.h"

#include <algorithm>
#include <bit>
#include <unordered_set>
#include <utility>

#include "control/route_intervals.h"

namespace shunt::control {
namespace {

using dataplane::kNoNextHop;
using dataplane::kOnLink;
using dataplane::NeighbourSlot;
using dataplane::NextHop;
using dataplane::NextHopId;

// Ids are below the two that mean something else.
constexpr size_t kMaxIds = kOnLink.index;

template <typename T>
using ByNeighbour = std::unordered_map<NeighbourKey, T, NeighbourKeyHash>;

// One port's own addresses.
struct Sources {
  // Those with a network around them; an address that is a network by itself (a VIP, a local address) never
  // speaks for the machine while there is another.
  std::vector<InterfaceAddress> on_networks;
  std::optional<Be32> any;
  uint16_t mtu = 0;

  void add(const InterfaceAddress& address) {
    if (!address.address.is_v4()) return;
    if (address.length < 32) on_networks.push_back(address);
    if (!any) any = address.address.v4();
  }
  // The address towards `neighbour`; `preferred` is what a route says.
  Be32 towards(Be32 neighbour, std::optional<Be32> preferred) const {
    const IpAddress other = IpAddress::from_v4(neighbour);
    for (const InterfaceAddress& each : on_networks) {
      if (Prefix{each.address, each.length}.contains(other)) return each.address.v4();
    }
    return preferred ? *preferred : own();
  }
  // The address towards whomever.
  Be32 own() const {
    return on_networks.empty() ? any.value_or(Be32{}) : on_networks.front().address.v4();
  }
};

std::unordered_map<uint16_t, Sources> sources_of(const std::unordered_map<uint16_t, NextHopPort>& ports,
                                                 const KernelView& view) {
  std::unordered_map<uint16_t, Sources> result;
  for (const KernelLink& link : view.links) {
    Sources& sources = result[link.port];
    sources.mtu = link.mtu;
    for (const InterfaceAddress& address : link.addresses) sources.add(address);
  }
  for (const auto& [id, port] : ports) {
    Sources& sources = result[id];
    sources.mtu = sources.mtu == 0 ? port.mtu : std::min(sources.mtu, port.mtu);
    if (sources.any) continue;
    for (const InterfaceAddress& address : port.addresses) sources.add(address);
  }
  return result;
}

// The slots of `resolved` neighbours, at most half full.
std::vector<NeighbourSlot> slots_of(const ByNeighbour<MacAddress>& resolved, const NextHopIds& ids) {
  std::vector<NeighbourSlot> slots(std::bit_ceil(std::max<size_t>(resolved.size() * 2, 2)));
  const size_t mask = slots.size() - 1;
  // In the order of ids, so that the same neighbours make the same table.
  for (size_t id = 0; id < ids.owners().size(); ++id) {
    const NeighbourKey& key = ids.owners()[id];
    if (!resolved.contains(key)) continue;
    size_t i = dataplane::neighbour_hash(key.address, key.port) & mask;
    while (slots[i].address.raw != 0) i = (i + 1) & mask;
    slots[i] = {key.address, key.port, NextHopId{static_cast<uint16_t>(id)}};
  }
  return slots;
}

std::vector<NextHop> hops_of(const ByNeighbour<MacAddress>& resolved, const ByNeighbour<Be32>& preferred,
                             const std::unordered_map<uint16_t, NextHopPort>& ports,
                             const std::unordered_map<uint16_t, Sources>& sources, const NextHopIds& ids) {
  std::vector<NextHop> hops;
  hops.reserve(ids.owners().size());
  for (const NeighbourKey& key : ids.owners()) {
    const Sources& own = sources.at(key.port);
    const auto source = preferred.find(key);
    NextHop hop;
    hop.source_mac = ports.at(key.port).mac;
    hop.port = key.port;
    hop.mtu = own.mtu;
    hop.address = key.address;
    hop.local_address =
        own.towards(key.address, source == preferred.end() ? std::nullopt : std::optional(source->second));
    if (const auto mac = resolved.find(key); mac != resolved.end()) {
      hop.destination_mac = mac->second;
      hop.resolved = true;
    }
    hops.push_back(hop);
  }
  return hops;
}

template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b, bool (*equal)(const T&, const T&)) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}
bool equal_hops(const NextHop& a, const NextHop& b) noexcept { return a == b; }
bool equal_intervals(const dataplane::RouteInterval& a, const dataplane::RouteInterval& b) noexcept {
  return a.first == b.first && a.via == b.via && a.port == b.port;
}

std::unordered_map<uint16_t, NextHopPort> by_id(const std::vector<NextHopPort>& ports) {
  std::unordered_map<uint16_t, NextHopPort> result;
  for (const NextHopPort& port : ports) result.emplace(port.id, port);
  return result;
}

}  // namespace

NextHopId NextHopIds::id_of(const NeighbourKey& key) const {
  const auto found = ids_.find(key);
  return found == ids_.end() ? kNoNextHop : found->second;
}

std::vector<NextHopId> NextHopIds::collect_unwanted(const std::vector<NeighbourKey>& wanted) const {
  const std::unordered_set<NeighbourKey, NeighbourKeyHash> keep(wanted.begin(), wanted.end());
  std::vector<NextHopId> unwanted;
  for (size_t id = 0; id < owners_.size(); ++id) {
    if (!keep.contains(owners_[id])) unwanted.push_back({static_cast<uint16_t>(id)});
  }
  return unwanted;
}

bool NextHopIds::assign(const std::vector<NeighbourKey>& wanted) {
  bool reused_any = false;
  std::optional<std::vector<NextHopId>> unwanted;
  for (const NeighbourKey& key : wanted) {
    if (ids_.contains(key)) continue;
    if (owners_.size() < kMaxIds) {
      ids_.emplace(key, NextHopId{static_cast<uint16_t>(owners_.size())});
      owners_.push_back(key);
      continue;
    }
    if (!unwanted) unwanted = collect_unwanted(wanted);
    if (unwanted->empty()) continue;
    const NextHopId id = unwanted->back();
    unwanted->pop_back();
    ids_.erase(owners_[id.index]);
    ids_.emplace(key, id);
    owners_[id.index] = key;
    reused_any = true;
  }
  return reused_any;
}

NextHopTable::NextHopTable(const std::vector<NextHopPort>& ports, StaticNextHops fixed)
    : ports_(by_id(ports)), fixed_(std::move(fixed)) {}

bool NextHopTable::update(const KernelView& view) {
  ByNeighbour<MacAddress> resolved;
  ByNeighbour<Be32> preferred;
  std::vector<NeighbourKey> wanted;
  std::vector<const KernelRoute*> routes;
  for (const auto* list : {&fixed_.neighbours, &view.neighbours}) {
    for (const KernelNeighbour& each : *list) {
      if (!each.address.is_v4() || each.mac.is_zero() || !ports_.contains(each.port)) continue;
      const NeighbourKey key{each.port, each.address.v4()};
      if (resolved.try_emplace(key, each.mac).second) wanted.push_back(key);
    }
  }
  for (const auto* list : {&fixed_.routes, &view.routes}) {
    for (const KernelRoute& each : *list) {
      if (!each.prefix.address.is_v4() || !ports_.contains(each.port)) continue;
      if (each.gateway && !each.gateway->is_v4()) continue;
      routes.push_back(&each);
      if (!each.gateway) continue;
      const NeighbourKey key{each.port, each.gateway->v4()};
      wanted.push_back(key);
      if (each.source && each.source->is_v4()) preferred.try_emplace(key, each.source->v4());
    }
  }
  const bool meanings_changed = ids_.assign(wanted);
  const auto has_no_id = [this](const NeighbourKey& key) { return ids_.id_of(key) == kNoNextHop; };
  left_out_ = static_cast<size_t>(std::count_if(wanted.begin(), wanted.end(), has_no_id));

  std::vector<RouteChoice> choices;
  for (const KernelRoute* each : routes) {
    const NextHopId via = each->gateway ? ids_.id_of({each->port, each->gateway->v4()}) : kOnLink;
    choices.push_back({each->prefix.address.v4().host(), each->prefix.length, each->metric, via, each->port});
  }
  auto next = std::make_shared<NextHopTables>();
  next->routes = flatten(std::move(choices));
  const auto sources = sources_of(ports_, view);
  for (const auto& [id, port] : ports_) next->port_addresses[id] = sources.at(id).own();
  next->hops = hops_of(resolved, preferred, ports_, sources, ids_);
  next->neighbours = slots_of(resolved, ids_);

  const bool routes_changed = meanings_changed || !same(next->routes, tables_->routes, equal_intervals);
  if (!routes_changed && same(next->hops, tables_->hops, equal_hops) &&
      next->port_addresses == tables_->port_addresses && !tables_->neighbours.empty()) {
    return false;
  }
  next->generation = static_cast<uint16_t>(tables_->generation + (routes_changed ? 1 : 0));
  tables_ = std::move(next);
  return true;
}

}  // namespace shunt::control
