// What the controller tells of services, workers, ports and drops.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "control/controller_state.h"
#include "control/health/words.h"
#include "control/identity.h"

namespace shunt::control {
namespace {

// A rule of snat's request goes out.
template <typename Figures>
Figures turned(Figures figures) {
  std::swap(figures.in_packets, figures.out_packets);
  std::swap(figures.in_bytes, figures.out_bytes);
  return figures;
}

// "http GET /, status 200-299, through vip"
std::string check_text(const HealthCheck& check) { return text_of(check.kind) + (check.through_vip ? ", through vip" : ""); }

}  // namespace

StatusReport Controller::State::status() const {
  StatusReport report;
  report.version = SHUNT_VERSION;
  report.dpdk_version = dataplane::Dataplane::dpdk_version();
  report.started = started;
  report.revision = revision;
  report.applied = applied;
  const DesiredState& desired = live.desired();
  report.services = static_cast<uint32_t>(desired.services.size());
  for (uint32_t i = 0; i < desired.services.size(); ++i) {
    for (const LiveReal& real : live.live(i).reals) {
      ++report.reals;
      report.reals_up += real.health.health != Health::kDown && !real.inhibition ? 1 : 0;
    }
  }
  report.workers = static_cast<uint32_t>(dataplane.workers().size());
  for (const auto& worker : dataplane.workers()) {
    const dataplane::WorkerCounters& counters = dataplane.worker_counters(worker.index);
    report.connections += counters.connections.read();
    report.connection_capacity += worker.connection_capacity;
    report.ipv6_connections += counters.ipv6_connections.read();
    report.ipv6_connection_capacity += worker.ipv6_connection_capacity;
    report.connection_table_bytes += worker.table_bytes;
    report.unremembered_connections += counters.unremembered.read();
    report.uncarried_client_addresses += counters.uncarried.read();
    report.ftp.add(counters);
  }
  report.templates = dataplane.templates_used();
  report.template_capacity = dataplane.template_capacity();
  report.rates = meters.total_rates();
  report.problems = problems();
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) report.hostname = name;
  return report;
}

std::unordered_map<uint32_t, std::vector<RealId>> Controller::State::removed_by_service() const {
  std::unordered_map<uint32_t, std::vector<RealId>> removed;
  for (const RealId id : slots.removed_reals()) removed[slots.real(id).service.index].push_back(id);
  return removed;
}

Result<ServicePage> Controller::State::services(const ServiceQuery& query) const {
  const auto removed = removed_by_service();
  const auto state_of = [&](uint32_t index) {
    const auto gone = removed.find(live.live(index).id.index);
    return service_state(index, gone == removed.end() ? std::vector<RealId>{} : gone->second);
  };
  ServicePage page;
  page.position = events.position();
  if (!query.name.empty()) {
    const auto index = live.find_service(query.name);
    if (!index) {
      return Error{ErrorCode::kNotFound,
                   "service " + query.name + ": there is none of this name; see the list of services"};
    }
    page.services.push_back(state_of(*index));
    return page;
  }
  // A page begins after a name, so it stays right when services come and go between pages.
  const std::vector<uint32_t>& order = live.by_name();
  const auto name_of = [this](uint32_t index) -> const std::string& { return live.desired().services[index].name; };
  auto each = std::upper_bound(order.begin(), order.end(), query.after,
                               [&](const std::string& name, uint32_t index) { return name < name_of(index); });
  if (query.after.empty()) each = order.begin();
  size_t reals = 0;
  for (; each != order.end(); ++each) {
    const bool is_full = query.page_size > 0 && page.services.size() == query.page_size;
    if (is_full || (query.page_reals > 0 && reals >= query.page_reals)) {
      page.next = page.services.back().name;
      break;
    }
    page.services.push_back(state_of(*each));
    reals += page.services.back().reals.size();
  }
  return page;
}

ServiceState Controller::State::service_state(uint32_t index, const std::vector<RealId>& removed) const {
  const Service& service = live.desired().services[index];
  ServiceState state;
  state.name = service.name;
  state.protocol = service.protocol;
  state.vips = vips_of(service);
  state.match = service.match;
  state.one_packet = service.one_packet;
  state.scheduler = service.scheduler;
  state.scheduler_flags = service.scheduler_flags;
  state.family = family_of(service);
  state.persistence = service.persistence;
  state.no_real = service.no_real;
  state.quorum = service.quorum;
  state.slow_start = service.slow_start;
  state.panic_threshold = service.panic_threshold;
  state.standing = live.live(index).standing;
  state.withdrawn = live.is_withdrawn(index);
  state.reals.reserve(service.reals.size() + removed.size());
  for (uint32_t i = 0; i < service.reals.size(); ++i) state.reals.push_back(real_state({index, i}));
  for (const RealId id : removed) state.reals.push_back(removed_state(id));
  if (const AccessTableRef& table = live.live(index).access) {
    state.access = {table->allowed(), table->denied(), service.access->on_denied};
  }
  state.limits = service.limits;
  const ServiceId id = live.live(index).id;
  state.refused = meters.refused_of(id) - slots.service(id).refused_base;
  state.traffic = slots.service(id).retired;
  for (const RealState& real : state.reals) {
    state.active_connections += real.active_connections;
    state.inactive_connections += real.inactive_connections;
    state.traffic += real.traffic;
    state.rates += real.rates;
  }
  return state;
}

dataplane::RealId Controller::id_of(const std::string& service, const std::string& real) const {
  const auto place = state_->live.find_real(service, real);
  return place ? state_->live.live(*place).id : dataplane::kNoReal;
}

RealState Controller::State::real_state(RealPlace place) const {
  const Real& real = live.real(place);
  const LiveReal& at_work = live.live(place);
  RealState state;
  state.name = real.name;
  state.address = real.address;
  state.port = real.port;
  state.method = live.service(place).method;
  state.weight = live.wanted_weight(place);
  state.configured_weight = real.weight;
  state.effective_weight = live.effective_weight(place);
  state.draining = live.is_drained(place);
  state.override_of = at_work.override_of;
  state.inhibition = at_work.inhibition;
  if (const auto watched = watched_reals.find(at_work.id.index); watched != watched_reals.end()) {
    state.passive = {meters.outcomes_of(at_work.id) - watched->second.base, watched->second.watch.times()};
  }
  if (at_work.came_up) state.slow_start_percent = at_work.slow_start_step * 100 / kSlowStartSteps;
  state.health = at_work.health.health;
  state.health_since = at_work.health.since;
  state.last_check = at_work.health.last_check;
  state.went_up = at_work.health.went_up;
  state.went_down = at_work.health.went_down;
  if (live.service(place).health_check.enabled) state.check = check_text(live.service(place).health_check);
  state.sorry = real.sorry;
  state.upper_threshold = real.upper_threshold;
  state.lower_threshold = real.lower_threshold;
  add_counters(at_work.id, state);
  return state;
}

RealState Controller::State::removed_state(RealId id) const {
  const RealSlot& slot = slots.real(id);
  RealState state;
  state.name = slot.name;
  state.address = slot.key.address;
  state.port = slot.key.port;
  state.method = slot.key.method;
  state.health = Health::kUnchecked;
  state.removed = true;
  add_counters(id, state);
  return state;
}

void Controller::State::add_counters(RealId id, RealState& state) const {
  const Load load = meters.load_of(id);
  state.active_connections = load.active;
  state.inactive_connections = load.inactive;
  state.traffic = meters.traffic_of(id) - slots.real(id).base;
  state.rates = meters.rates_of(id);
  state.next_hop = next_hop_of(id);
  // A removed one's, too.
  const dataplane::RealEntry& real = builder.real(id);
  if (real.method == Method::kTunnel) state.tunnel = Tunnel{real.tunnel, real.tunnel_port.host()};
}

std::string Controller::State::next_hop_of(RealId id) const {
  // What the workers know, which is a moment behind the tables: reachable is what packets reach.
  const dataplane::RealEntry& real = builder.real(id);
  if (real.next_hop == dataplane::kNoNextHop) {
    const dataplane::Route route = builder.route_to(id);
    if (route.kind == dataplane::Route::Kind::kNoRoute) return "no route";
    return "unresolved: " + route.neighbour.to_string() + " on " + port_name(route.port);
  }
  const dataplane::NextHop& hop = next_hops.tables()->hops[real.next_hop.index];
  const uint16_t mtu = builder.path_mtu(id);
  return "reachable via " + hop.destination_mac.to_string() + " on " + port_name(hop.port) +
         (mtu == 0 ? "" : ", path takes " + std::to_string(mtu) + " bytes");
}

std::vector<WorkerState> Controller::State::worker_states() const {
  std::vector<WorkerState> states;
  for (const auto& worker : dataplane.workers()) states.push_back(meters.worker(worker.index));
  return states;
}

std::vector<PortState> Controller::State::port_states() const {
  std::vector<PortState> states;
  for (const dataplane::PortInfo& info : dataplane.ports()) {
    const dataplane::PortStatistics counts = dataplane.port_statistics(info.id);
    PortState& state = states.emplace_back();
    state.name = info.name;
    state.device = info.device;
    state.driver = info.driver;
    state.mac = info.mac;
    state.mtu = info.mtu;
    state.link_up = counts.link_up;
    state.queues = info.queues;
    state.rx_packets = counts.rx_packets;
    state.tx_packets = counts.tx_packets;
    state.rx_bytes = counts.rx_bytes;
    state.tx_bytes = counts.tx_bytes;
    state.rx_missed = counts.rx_missed;
    state.rx_errors = counts.rx_errors;
    state.tx_errors = counts.tx_errors;
    state.rx_no_mbuf = counts.rx_no_mbuf;
    for (const Port& configured : options.machine.ports) {
      if (configured.name == info.name && configured.kernel_port.enabled) {
        state.kernel_port = configured.kernel_port.name;
      }
    }
    state.rss = info.rss;
    state.steered = info.steered;
    state.rx_checksum_offload = info.rx_checksum_offload;
    state.tx_checksum_offload = info.tx_checksum_offload;
    state.vlan = info.vlan;
    state.strips_tags = info.strips_tags;
    state.inserts_tags = info.inserts_tags;
  }
  return states;
}

std::vector<SnatState> Controller::State::snat_states() const {
  std::vector<SnatState> states;
  const std::vector<SnatRule>& rules = live.desired().snat;
  for (size_t i = 0; i < rules.size(); ++i) {
    const LiveSnatRule& at_work = live.snat()[i];
    states.push_back({rules[i], at_work.addresses->size(), meters.load_of(at_work.real).all(),
                      turned(meters.traffic_of(at_work.real) - slots.real(at_work.real).base),
                      turned(meters.rates_of(at_work.real)),
                      dataplane.snat_exhausted(at_work.counter) - at_work.exhausted_base});
  }
  return states;
}

std::vector<DropState> Controller::State::drop_states() const {
  std::vector<DropState> states;
  for (size_t i = 0; i < dataplane::kDropReasons; ++i) {
    const auto reason = static_cast<dataplane::DropReason>(i);
    const uint64_t packets = meters.drops_of(reason);
    if (packets == 0) continue;
    states.push_back(
        {std::string(name_of(reason)), packets, meters.drop_rate(reason), std::string(meaning_of(reason))});
  }
  return states;
}

}  // namespace shunt::control
