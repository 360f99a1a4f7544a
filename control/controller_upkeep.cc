// What the controller does by the clock: pass on what workers ask for, free slots, follow links, measure.
#include <utility>

#include "control/controller_state.h"
#include "control/identity.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

// Packets wait for resolve requests, and least-loaded schedulers for the other workers' counts.
constexpr auto kTick = std::chrono::milliseconds(10);
constexpr uint64_t kTicksOfUpkeep = 10;
constexpr uint64_t kTicksOfSampling = 100;
// Beyond this many reals, sharing loads at every tick would cost more than it tells.
constexpr uint32_t kRealsSharedEveryTick = 8192;
constexpr size_t kRequestsAtOnce = 256;

}  // namespace

void Controller::State::start_upkeep() {
  tick_timer.expires_after(kTick);
  tick_timer.async_wait([this](const asio::error_code& error) {
    if (error) return;
    lateness.note(tick_timer.expiry(), Clock::now());
    on_tick();
    start_upkeep();
  });
}

void Controller::State::on_tick() {
  const auto now = Clock::now();
  ++ticks;
  pass_on_resolve_requests(now);
  learn_path_mtus(now);
  const uint32_t reals = slots.real_slots();
  const bool share = reals <= kRealsSharedEveryTick || ticks % kTicksOfUpkeep == 0;
  if (share && reals > 0 && dataplane.workers().size() > 1) dataplane.share_loads({reals - 1});
  if (ticks % kTicksOfUpkeep == 0) {
    free_slots();
    end_overrides(WallClock::now());
    end_drains();
    if (live.advance_slow_starts(now)) publish_soon();
    const bool look = reals <= kRealsSharedEveryTick || ticks % kTicksOfSampling == 0;
    if (look) look_at_outcomes(now);
    read_links();
  }
  if (ticks % kTicksOfSampling == 0) {
    meters.sample(reals, now);
    for (const dataplane::PortInfo& port : dataplane.ports()) {
      losses.note(port.id, dataplane.port_statistics(port.id), now);
    }
    // Log lines that repeated and stopped are summed up even when nothing else is told.
    spdlog::default_logger()->flush();
    keep_neighbours_fresh(now);
    forget_path_mtus(now);
  }
}

void Controller::State::pass_on_resolve_requests(Clock::time_point now) {
  dataplane::ResolveRequest requests[kRequestsAtOnce];
  const size_t count = dataplane.take_resolve_requests(requests, kRequestsAtOnce);
  for (size_t i = 0; i < count; ++i) resolver.need({requests[i].port, requests[i].address}, now);
}

void Controller::State::learn_path_mtus(Clock::time_point now) {
  dataplane::PathMtu paths[kRequestsAtOnce];
  const size_t count = dataplane.take_path_mtus(paths, kRequestsAtOnce);
  for (size_t i = 0; i < count; ++i) {
    if (!path_mtus.learn(paths[i], now)) continue;
    builder.set_path_mtu(paths[i].real, paths[i].mtu);
    tell("path_mtu", "real " + paths[i].real.to_string(),
         "a router on the tunnel's path takes no more than " + std::to_string(paths[i].mtu) + " bytes");
  }
  if (builder.is_dirty()) publish_soon();
}

void Controller::State::forget_path_mtus(Clock::time_point now) {
  for (const IpAddress& real : path_mtus.forget_old(now)) builder.set_path_mtu(real, 0);
  if (builder.is_dirty()) publish_soon();
}

void Controller::State::free_slots() {
  if (slots.removed_reals().empty() || publish_pending) return;
  const auto freed = slots.free_idle(
      builder.version(), [this](RealId id) { return meters.load_of(id).all(); },
      [this](RealId id) { return meters.traffic_of(id); });
  std::vector<RealId> ids;
  for (const auto& [id, slot] : freed) {
    ids.push_back(id);
    builder.free_real(id);
    if (slot.key.method == Method::kSnat) {
      tell("snat_freed", text_of(slot.key.service), "its last connection is gone");
      continue;
    }
    tell("real_freed", "real " + address_and_port(slot.key.address, slot.key.port),
         "its last connection is gone (" + slot.name + " of " + text_of(slot.key.service) + ")");
  }
  if (freed.empty()) return;
  // No worker knows them any more, and the next real may have their slots.
  dataplane.forget_templates(ids);
  publish_soon();
}

void Controller::State::read_links() {
  bool changed = false;
  for (const dataplane::PortInfo& port : dataplane.ports()) {
    PortLink& link = links[port.id];
    link.driver = dataplane.port_statistics(port.id).link_up;
    builder.set_link(port.id, link.up());
    if (link.up() == link.told) continue;
    link.told = link.up();
    changed = true;
    spdlog::info("port {}: link {}", port.name, link.up() ? "up" : "down");
    tell("port", "port " + port.name, link.up() ? "link up" : link.driver ? "kernel port set down" : "link down");
  }
  if (changed) publish_soon();
}

void Controller::State::keep_neighbours_fresh(Clock::time_point now) {
  const auto tables = next_hops.tables();
  std::vector<bool> used(tables->hops.size());
  for (uint32_t i = 0; i < slots.real_slots(); ++i) {
    if (!slots.real({i}).used) continue;
    if (const dataplane::NextHopId hop = builder.real({i}).next_hop; hop.index < used.size()) {
      used[hop.index] = true;
      continue;
    }
    const dataplane::Route route = builder.route_to({i});
    if (route.kind == dataplane::Route::Kind::kUnresolved) resolver.need({route.port, route.neighbour}, now);
  }
  // Gateways of clients, too.
  const auto note_gateways = [&used](const auto& routes) {
    for (const auto& route : routes) {
      if (route.via.index < used.size()) used[route.via.index] = true;
    }
  };
  note_gateways(tables->routes);
  note_gateways(tables->routes6);
  for (size_t i = 0; i < used.size(); ++i) {
    const dataplane::NextHop& hop = tables->hops[i];
    // Linux would forget the MAC address of a fixed one if asked to make sure of it (neighbour.c __neigh_update, NTF_USE).
    if (!used[i] || hop.is_fixed) continue;
    if (hop.resolved) resolver.refresh({hop.port, hop.address}, now);
    else resolver.need({hop.port, hop.address}, now);
  }
  resolver.forget_old(now);
}

}  // namespace shunt::control
