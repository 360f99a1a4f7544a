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
using dataplane::Number4;
using dataplane::Number6;

// Ids are below the two that mean something else.
constexpr size_t kMaxIds = kOnLink.index;

template <typename T>
using ByNeighbour = std::unordered_map<NeighbourKey, T, NeighbourKeyHash>;

// fe80::/10: valid on its own link only.
bool is_link_local(const IpAddress& address) noexcept {
  return !address.is_v4() && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

// One port's own addresses of one family.
class Sources {
 public:
  explicit Sources(AddressFamily family) : none_{family, {}} {}

  bool empty() const noexcept { return !any_ && !link_local_; }
  void add(const InterfaceAddress& address) {
    if (is_link_local(address.address)) {
      if (!link_local_) link_local_ = address.address;
      return;
    }
    if (address.length < (address.address.is_v4() ? 32 : 128)) on_networks_.push_back(address);
    if (!any_) any_ = address.address;
  }
  // The address towards `neighbour`; `preferred` is what a route says.
  IpAddress towards(const IpAddress& neighbour, const std::optional<IpAddress>& preferred) const {
    for (const InterfaceAddress& each : on_networks_) {
      if (Prefix{each.address, each.length}.contains(neighbour)) return each.address;
    }
    return preferred ? *preferred : own();
  }
  // The address towards whomever. Those who answer it may be behind a router, hence no link-local one while there is
  // another, not even towards a link-local gateway.
  IpAddress own() const {
    if (!on_networks_.empty()) return on_networks_.front().address;
    return any_ ? *any_ : link_local_.value_or(none_);
  }

 private:
  const IpAddress none_;
  // Those with a network around them; an address that is a network by itself (a VIP, a local address) never
  // speaks for the machine while there is another.
  std::vector<InterfaceAddress> on_networks_;
  std::optional<IpAddress> any_;
  std::optional<IpAddress> link_local_;
};

struct PortSources {
  Sources v4{AddressFamily::kIpv4};
  Sources v6{AddressFamily::kIpv6};
  uint16_t mtu = 0;

  Sources& of(AddressFamily family) noexcept { return family == AddressFamily::kIpv4 ? v4 : v6; }
  const Sources& of(AddressFamily family) const noexcept { return family == AddressFamily::kIpv4 ? v4 : v6; }
};

std::unordered_map<uint16_t, PortSources> sources_of(const std::unordered_map<uint16_t, NextHopPort>& ports,
                                                     const KernelView& view) {
  std::unordered_map<uint16_t, PortSources> result;
  for (const KernelLink& link : view.links) {
    PortSources& sources = result[link.port];
    sources.mtu = link.mtu;
    for (const InterfaceAddress& each : link.addresses) sources.of(each.address.family).add(each);
  }
  for (const auto& [id, port] : ports) {
    PortSources& sources = result[id];
    sources.mtu = sources.mtu == 0 ? port.mtu : std::min(sources.mtu, port.mtu);
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      if (!sources.of(family).empty()) continue;
      for (const InterfaceAddress& each : port.addresses) {
        if (each.address.family == family) sources.of(family).add(each);
      }
    }
  }
  return result;
}

struct Resolved {
  MacAddress mac;
  bool is_fixed = false;
};

// The slots of `resolved` neighbours, at most half full.
std::vector<NeighbourSlot> slots_of(const ByNeighbour<Resolved>& resolved, const NextHopIds& ids) {
  std::vector<NeighbourSlot> slots(std::bit_ceil(std::max<size_t>(resolved.size() * 2, 2)));
  const size_t mask = slots.size() - 1;
  // In the order of ids, so that the same neighbours make the same table.
  for (size_t id = 0; id < ids.owners().size(); ++id) {
    const NeighbourKey& key = ids.owners()[id];
    if (!resolved.contains(key)) continue;
    size_t i = dataplane::neighbour_hash(key.address, key.port) & mask;
    while (slots[i].hop != kNoNextHop) i = (i + 1) & mask;
    slots[i] = {key.address, key.port, NextHopId{static_cast<uint16_t>(id)}};
  }
  return slots;
}

std::vector<NextHop> hops_of(const ByNeighbour<Resolved>& resolved, const ByNeighbour<IpAddress>& preferred,
                             const std::unordered_map<uint16_t, NextHopPort>& ports,
                             const std::unordered_map<uint16_t, PortSources>& sources, const NextHopIds& ids) {
  std::vector<NextHop> hops;
  hops.reserve(ids.owners().size());
  for (const NeighbourKey& key : ids.owners()) {
    const PortSources& own = sources.at(key.port);
    const auto source = preferred.find(key);
    NextHop hop;
    hop.source_mac = ports.at(key.port).mac;
    hop.port = key.port;
    hop.mtu = own.mtu;
    hop.address = key.address;
    hop.local_address = own.of(key.address.family)
                            .towards(key.address, source == preferred.end() ? std::nullopt
                                                                            : std::optional(source->second));
    if (const auto mac = resolved.find(key); mac != resolved.end()) {
      hop.destination_mac = mac->second.mac;
      hop.resolved = true;
      hop.is_fixed = mac->second.is_fixed;
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
template <typename Number>
bool equal_intervals(const dataplane::BasicRouteInterval<Number>& a,
                     const dataplane::BasicRouteInterval<Number>& b) noexcept {
  return a.first == b.first && a.via == b.via && a.port == b.port;
}

// Routes that lead out of one of `ports`, as choices of their families.
struct RouteChoices {
  std::vector<RouteChoice> v4;
  std::vector<RouteChoice6> v6;

  void add(const KernelRoute& route, NextHopId via) {
    const IpAddress& network = route.prefix.address;
    const uint8_t length = route.prefix.length;
    if (network.is_v4()) v4.push_back({dataplane::number4_of(network), length, route.metric, via, route.port});
    else v6.push_back({dataplane::number6_of(network), length, route.metric, via, route.port});
  }
};

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
  ByNeighbour<Resolved> resolved;
  ByNeighbour<IpAddress> preferred;
  std::vector<NeighbourKey> wanted;
  std::vector<const KernelRoute*> routes;
  for (const auto* list : {&fixed_.neighbours, &view.neighbours}) {
    for (const KernelNeighbour& each : *list) {
      if (each.mac.is_zero() || !ports_.contains(each.port)) continue;
      const NeighbourKey key{each.port, each.address};
      const bool is_fixed = each.is_fixed || list == &fixed_.neighbours;
      if (resolved.try_emplace(key, Resolved{each.mac, is_fixed}).second) wanted.push_back(key);
    }
  }
  for (const auto* list : {&fixed_.routes, &view.routes}) {
    for (const KernelRoute& each : *list) {
      if (!ports_.contains(each.port)) continue;
      // An IPv4 route by way of an IPv6 gateway (RFC 8950) would leave tunnels without a source of their family.
      if (each.gateway && each.gateway->family != each.prefix.address.family) continue;
      routes.push_back(&each);
      if (!each.gateway) continue;
      const NeighbourKey key{each.port, *each.gateway};
      wanted.push_back(key);
      if (each.source && each.source->family == key.address.family) preferred.try_emplace(key, *each.source);
    }
  }
  const bool meanings_changed = ids_.assign(wanted);
  const auto has_no_id = [this](const NeighbourKey& key) { return ids_.id_of(key) == kNoNextHop; };
  left_out_ = static_cast<size_t>(std::count_if(wanted.begin(), wanted.end(), has_no_id));

  RouteChoices choices;
  for (const KernelRoute* each : routes) {
    choices.add(*each, each->gateway ? ids_.id_of({each->port, *each->gateway}) : kOnLink);
  }
  auto next = std::make_shared<NextHopTables>();
  next->routes = flatten(std::move(choices.v4));
  next->routes6 = flatten(std::move(choices.v6));
  const auto sources = sources_of(ports_, view);
  for (const auto& [id, port] : ports_) next->port_addresses[id] = {sources.at(id).v4.own(), sources.at(id).v6.own()};
  next->hops = hops_of(resolved, preferred, ports_, sources, ids_);
  next->neighbours = slots_of(resolved, ids_);
  return take(std::move(next), meanings_changed);
}

bool NextHopTable::take(std::shared_ptr<NextHopTables> next, bool meanings_changed) {
  const bool routes_changed = meanings_changed || !same(next->routes, tables_->routes, equal_intervals<Number4>) ||
                              !same(next->routes6, tables_->routes6, equal_intervals<Number6>);
  if (!routes_changed && same(next->hops, tables_->hops, equal_hops) &&
      next->port_addresses == tables_->port_addresses && !tables_->neighbours.empty()) {
    return false;
  }
  next->generation = static_cast<uint16_t>(tables_->generation + (routes_changed ? 1 : 0));
  tables_ = std::move(next);
  return true;
}

}  // namespace shunt::control
