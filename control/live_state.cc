#include "control/live_state.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "control/identity.h"

namespace shunt::control {
namespace {

struct Place {
  IpAddress address;
  uint16_t port;
  bool operator==(const Place&) const = default;
};
struct PlaceHash {
  size_t operator()(const Place& place) const noexcept { return hash_of(place.address, place.port); }
};

bool is_down(Health health) noexcept { return health == Health::kDown; }

// A check that was switched on or off starts anew.
void follow_check(const HealthCheck& check, HealthState& state) {
  const bool was_checked = state.health != Health::kUnchecked;
  if (check.enabled == was_checked && state.since != WallClock::time_point{}) return;
  state = {check.enabled ? Health::kUnknown : Health::kUnchecked, WallClock::now(), ""};
}

uint8_t bits_of(const SchedulerFlags& flags) noexcept {
  return static_cast<uint8_t>((flags.port ? dataplane::kHashPort : 0) | (flags.fallback ? dataplane::kFallback : 0));
}

dataplane::TimeoutSet timeouts_of(const Timeouts& general, const Timeouts& own) {
  dataplane::TimeoutSet result = dataplane::kDefaultTimeoutsMs;
  for (size_t i = 0; i < result.size(); ++i) {
    const auto& wanted = own.values[i] ? own.values[i] : general.values[i];
    if (wanted) result[i] = static_cast<uint32_t>(wanted->count());
  }
  return result;
}

dataplane::Persistence persistence_of(const Service& service) {
  if (!service.persistence) return {};
  const uint8_t prefix =
      family_of(service) == AddressFamily::kIpv4 ? service.persistence->ipv4_prefix : service.persistence->ipv6_prefix;
  return {static_cast<uint32_t>(service.persistence->timeout.count()), prefix, service.persistence->by_call};
}

// Workers hand on within a family, wrap into either, and translate between both under fullnat alone. config/ says so first,
// with the place; this guards what comes by another way.
Error other_family(const std::string& subject, const IpAddress& address, const Service& service) {
  const char* family = family_of(service) == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
  const std::string by = service.match ? "match" : "address " + service.address.to_string();
  return {ErrorCode::kInvalid, subject + ": " + address.to_string() + " is not of the family of the service's " + by +
                                   "; give an " + family + " address"};
}

// Whether it may have reals of the other family that packets are translated for. FTP's lines say addresses.
bool can_cross(const Service& service) {
  return service.method == Method::kFullnat && service.application == dataplane::Application::kNone;
}

Result<void> is_of_one_family(const Service& service) {
  const AddressFamily family = family_of(service);
  const auto is_other = [family](const IpAddress& address) { return address.family != family; };
  for (const Vip& vip : service.more_vips) {
    if (is_other(vip.address)) return other_family("service " + service.name, vip.address, service);
  }
  if (service.match) {
    for (const auto* prefixes : {&service.match->clients, &service.match->vips}) {
      for (const Prefix& prefix : *prefixes) {
        if (is_other(prefix.address)) return other_family("service " + service.name, prefix.address, service);
      }
    }
  }
  for (const Real& real : service.reals) {
    const bool may_be_other = service.method == Method::kTunnel || can_cross(service);
    if (!may_be_other && is_other(real.address)) {
      return other_family("real " + service.name + "/" + real.name, real.address, service);
    }
  }
  return {};
}

// Each real of fullnat is spoken to from addresses of its own family.
Result<void> has_addresses_for_all(const Service& service, const std::vector<LocalAddressPool>& pools) {
  if (service.local_addresses.empty()) return {};
  for (const LocalAddressPool& pool : pools) {
    if (pool.name != service.local_addresses) continue;
    for (const Real& real : service.reals) {
      const auto is_its = [&](const IpAddress& address) { return address.family == real.address.family; };
      if (std::any_of(pool.addresses.begin(), pool.addresses.end(), is_its)) continue;
      return Error{ErrorCode::kInvalid, "real " + service.name + "/" + real.name + ": local_addresses " + pool.name +
                                            " has no address of its family; add one, or name another pool"};
    }
  }
  return {};
}

// Some of its reals are not of its VIPs' family, and packets are translated on their way to them.
bool has_far_reals(const Service& service) {
  return can_cross(service) && std::any_of(service.reals.begin(), service.reals.end(), [&](const Real& real) {
           return real.address.family != family_of(service);
         });
}

}  // namespace

LiveState::LiveState(Slots& slots, SnapshotBuilder& builder, std::function<Traffic(RealId)> counters_of, Ports ports,
                     std::function<Refused(ServiceId)> refused_of, uint32_t workers,
                     std::function<uint64_t(uint32_t)> exhausted_of)
    : slots_(slots),
      builder_(builder),
      counters_of_(std::move(counters_of)),
      ports_(std::move(ports)),
      refused_of_(std::move(refused_of)),
      workers_(workers),
      snat_(slots, builder, counters_of_, std::move(exhausted_of), ports_) {}

Result<void> LiveState::fits(const DesiredState& next) const {
  size_t new_reals = 0;
  size_t new_services = 0;
  for (const Service& service : next.services) {
    if (auto one = is_of_one_family(service); !one) return one;
    if (auto all = has_addresses_for_all(service, next.local_addresses); !all) return all;
    new_services += slots_.has(key_of(service)) ? 0 : 1;
    for (const Real& real : service.reals) {
      new_reals += slots_.has(key_of(service, real)) ? 0 : 1;
    }
  }
  // A rule of snat takes one of each.
  new_services += snat_.count_new(next.snat);
  new_reals += snat_.count_new(next.snat);
  const auto error = [](const char* what, size_t wanted, size_t free) {
    return Error{ErrorCode::kInvalid, std::string(what) + ": " + std::to_string(wanted) + " new ones, place for " +
                                          std::to_string(free) +
                                          "; use fewer, or wait until removed ones have no connections left"};
  };
  if (new_services > slots_.free_services()) return error("services", new_services, slots_.free_services());
  if (new_reals > slots_.free_reals()) return error("reals", new_reals, slots_.free_reals());
  return {};
}

// True when a pool's addresses differ.
bool LiveState::update_pools(const DesiredState& next) {
  if (next.local_addresses == desired_.local_addresses) return false;
  pools_.clear();
  std::vector<AddressList> all;
  for (const LocalAddressPool& pool : next.local_addresses) {
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      std::vector<IpAddress> own;
      std::copy_if(pool.addresses.begin(), pool.addresses.end(), std::back_inserter(own),
                   [family](const IpAddress& address) { return address.family == family; });
      const auto addresses = std::make_shared<const std::vector<IpAddress>>(std::move(own));
      pools_.emplace(std::pair(pool.name, family), addresses);
      all.push_back(addresses);
    }
  }
  builder_.set_pools(std::move(all));
  return true;
}

std::vector<KeptOverride> LiveState::replace(DesiredState next, SteadyTime now) {
  std::vector<Held> held = held_overrides();
  const bool pools_changed = update_pools(next);
  const bool lists_changed = access_tables_.replace(desired_, next);
  // What a service takes from the whole state where it says nothing itself.
  const bool defaults_changed = next.timeouts != desired_.timeouts ||
                                next.sysctls.sloppy_tcp != desired_.sysctls.sloppy_tcp ||
                                next.sysctls.sloppy_sctp != desired_.sysctls.sloppy_sctp;
  const DesiredState before = std::exchange(desired_, std::move(next));
  builder_.set_sysctls(desired_.sysctls);
  if (before.snat != desired_.snat || before.timeouts != desired_.timeouts) {
    snat_.replace(before.snat, desired_.snat, desired_.timeouts);
  }
  std::vector<LiveService> live_before = std::exchange(live_, {});
  std::unordered_map<ServiceKey, uint32_t, KeyHash> old_places;
  for (uint32_t i = 0; i < before.services.size(); ++i) old_places.emplace(key_of(before.services[i]), i);

  live_.resize(desired_.services.size());
  stale_.clear();
  services_by_name_.clear();
  sorted_.clear();
  for (uint32_t i = 0; i < desired_.services.size(); ++i) {
    const Service& service = desired_.services[i];
    services_by_name_.emplace(service.name, i);
    const auto old_place = old_places.find(key_of(service));
    if (old_place == old_places.end()) {
      sync_service(i, nullptr, true, now);
      continue;
    }
    live_[i] = std::move(live_before[old_place->second]);
    const bool was_stale = std::exchange(live_[i].stale, false);
    const bool needs_pool = pools_changed && !service.local_addresses.empty();
    const bool moved = service.match && old_place->second != i;
    const bool affected = needs_pool || (lists_changed && service.access) || defaults_changed || was_stale || moved;
    sync_service(i, &before.services[old_place->second], affected, now);
    old_places.erase(old_place);
  }
  for (const auto& [key, place] : old_places) remove(before.services[place], live_before[place]);
  find_starting();
  find_watched();
  return attach(std::move(held));
}

void LiveState::remove(const Service& service, const LiveService& live) {
  for (size_t i = 0; i < service.reals.size(); ++i) slots_.remove_real(live.reals[i].id, builder_.version() + 1);
  builder_.remove_service(live.id);
  slots_.remove_service(live.id);
}

void LiveState::sync_service(uint32_t index, const Service* before, bool affected, SteadyTime now) {
  const Service& service = desired_.services[index];
  LiveService& live = live_[index];
  live.access = access_tables_.of(service);
  if (before == nullptr || *before != service) {
    live.id = slots_.take_service(key_of(service), service.name, refused_of_);
    sync_reals(service, before, live, now);
    follow_limits(service, before, live);
    affected = true;
  }
  if (affected) mark(index);
}

void LiveState::sync_reals(const Service& service, const Service* before, LiveService& live, SteadyTime now) {
  std::unordered_map<Place, size_t, PlaceHash> old_places;
  const std::vector<LiveReal> old_reals = std::exchange(live.reals, {});
  for (size_t i = 0; i < old_reals.size(); ++i) {
    old_places.emplace(Place{before->reals[i].address, before->reals[i].port}, i);
  }
  std::unordered_set<uint32_t> kept;
  live.by_name.clear();
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    const Real& real = service.reals[i];
    LiveReal& entry = live.reals.emplace_back();
    const bool had_slot = slots_.has(key_of(service, real));
    entry.id = slots_.take_real(key_of(service, real), live.id, real.name, counters_of_);
    if (!had_slot) builder_.set_real(entry.id, real.address, real.port, service.method, live.id);
    if (service.method == Method::kTunnel) builder_.set_tunnel(entry.id, tunnel_of(service, real));
    kept.insert(entry.id.index);
    if (const auto old = old_places.find({real.address, real.port}); old != old_places.end()) {
      entry.health = old_reals[old->second].health;
      entry.override_of = old_reals[old->second].override_of;
      if (service.health_check.passive) entry.inhibition = old_reals[old->second].inhibition;
      entry.came_up = old_reals[old->second].came_up;
      entry.slow_start_step = old_reals[old->second].slow_start_step;
    } else if (before != nullptr && service.slow_start.count() > 0) {
      entry.came_up = now;
      entry.slow_start_step = 1;
    }
    note_weight(entry, real);
    follow_check(service.health_check, entry.health);
    live.by_name.emplace(real.name, i);
  }
  // A name wins over an address that reads like it.
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    live.by_name.emplace(address_and_port(service.reals[i].address, service.reals[i].port), i);
  }
  for (const LiveReal& old : old_reals) {
    if (!kept.contains(old.id.index)) slots_.remove_real(old.id, builder_.version() + 1);
  }
}

// What is used up stays so as long as the limits are the same.
void LiveState::follow_limits(const Service& service, const Service* before, LiveService& live) const {
  if (before != nullptr && before->limits == service.limits) return;
  live.limits = service.limits ? std::make_shared<const LimitsMemory>(*service.limits, family_of(service), workers_) : nullptr;
}

void LiveState::note_weight(const LiveReal& live, const Real& real) {
  const uint32_t wanted = undrained_weight(real.weight, live.override_of.get());
  const uint32_t above_zero = wanted > 0 ? wanted : real.weight;
  if (above_zero > 0) slots_.real(live.id).last_weight = above_zero;
}

void LiveState::mark(uint32_t index) {
  if (std::exchange(live_[index].stale, true)) return;
  stale_.push_back(index);
}

void LiveState::flush() {
  for (const uint32_t index : stale_) {
    compile(index);
    live_[index].stale = false;
  }
  stale_.clear();
}

MatchRule LiveState::rule_of(const Service& service) const {
  const Match& match = *service.match;
  MatchRule rule{service.protocol, family_of(service), match.clients, match.vips, match.ports, {}, 0};
  if (!match.ingress_port.empty()) {
    const auto port = ports_.find(match.ingress_port);
    rule.in_port = port == ports_.end() ? static_cast<uint16_t>(dataplane::kMaxPorts) : port->second;
  }
  return rule;
}

void LiveState::add_candidates(uint32_t index, ServiceInput& input) const {
  const Service& service = desired_.services[index];
  const LiveService& live = live_[index];
  const uint32_t factor = slow_start_factor_of(index);
  for (uint32_t i = 0; i < live.reals.size(); ++i) {
    if (!may_serve({index, i})) continue;
    const LiveReal& at_work = live.reals[i];
    const Real& real = service.reals[i];
    const auto grown = [&](uint32_t weight) { return weight_at_step(weight, at_work.slow_start_step, factor); };
    (real.sorry ? input.sorry : input.candidates)
        .push_back({at_work.id, grown(wanted_weight({index, i})), grown(slots_.real(at_work.id).last_weight),
                    {real.upper_threshold, real.lower_threshold}});
  }
  for (auto* each : {&input.candidates, &input.sorry}) {
    std::sort(each->begin(), each->end(), [this](const dataplane::Candidate& a, const dataplane::Candidate& b) {
      return slots_.real(a.id).added > slots_.real(b.id).added;
    });
  }
}

void LiveState::compile(uint32_t index) {
  judge_service(index);
  const Service& service = desired_.services[index];
  const LiveService& live = live_[index];
  ServiceInput input;
  input.id = live.id;
  input.protocol = service.protocol;
  input.vips = vips_of(service);
  if (service.match) input.match = rule_of(service);
  input.priority = service.match ? index : 0;
  input.scheduler = service.scheduler;
  input.scheduler_flags = bits_of(service.scheduler_flags);
  input.load_bound = service.scheduler_flags.load_bound;
  input.method = service.method;
  input.sloppy_tcp = service.sloppy_tcp || desired_.sysctls.sloppy_tcp;
  input.sloppy_sctp = service.sloppy_sctp || desired_.sysctls.sloppy_sctp;
  input.max_segment_size = service.max_segment_size;
  input.one_packet = service.one_packet;
  input.timeouts = timeouts_of(desired_.timeouts, service.timeouts);
  if (!service.local_addresses.empty()) {
    input.local_addresses = pools_[{service.local_addresses, AddressFamily::kIpv4}];
    input.local_addresses6 = pools_[{service.local_addresses, AddressFamily::kIpv6}];
    input.has_far_reals = has_far_reals(service);
  }
  input.no_real = service.no_real;
  input.access = live.access;
  input.limits = live.limits;
  if (service.access) input.refusal = service.access->on_denied;
  input.client_address = service.client_address;
  input.is_watched = service.health_check.passive.has_value();
  input.application = service.application;
  input.persistence = persistence_of(service);
  add_candidates(index, input);
  builder_.set_service(input);
}

std::optional<uint32_t> LiveState::find_service(const std::string& name) const {
  const auto found = services_by_name_.find(name);
  return found == services_by_name_.end() ? std::nullopt : std::optional(found->second);
}

Result<RealPlace> LiveState::find_real(const std::string& service, const std::string& real) const {
  const auto place = find_service(service);
  if (!place) {
    return Error{ErrorCode::kNotFound,
                 "service " + service + ": there is none of this name; see the list of services"};
  }
  const auto found = live_[*place].by_name.find(real);
  if (found == live_[*place].by_name.end()) {
    return Error{ErrorCode::kNotFound,
                 "real " + service + "/" + real + ": the service has none of this name or ADDRESS:PORT; see its list"};
  }
  return RealPlace{*place, found->second};
}

const std::vector<uint32_t>& LiveState::by_name() const {
  if (sorted_.size() != desired_.services.size()) {
    sorted_.resize(desired_.services.size());
    std::iota(sorted_.begin(), sorted_.end(), 0u);
    std::sort(sorted_.begin(), sorted_.end(), [this](uint32_t a, uint32_t b) {
      return desired_.services[a].name < desired_.services[b].name;
    });
  }
  return sorted_;
}

Health LiveState::set_health(RealPlace place, Health health, const std::string& text) {
  HealthState& state = live_[place.service].reals[place.real].health;
  const Health before = state.health;
  state.last_check = text;
  if (before == health) return before;
  state.health = health;
  state.since = WallClock::now();
  if (is_down(health)) ++state.went_down;
  if (is_down(before) && health == Health::kUp) ++state.went_up;
  if (is_down(before) != is_down(health)) mark(place.service);
  return before;
}

uint32_t LiveState::effective_weight(RealPlace place) const {
  return may_serve(place) ? weight_at_step(wanted_weight(place), live(place).slow_start_step, 1) : 0;
}

}  // namespace shunt::control
