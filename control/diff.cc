#include "control/diff.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "control/identity.h"

namespace shunt::control {
namespace {

// Reals of an added or removed service that are shown one by one.
constexpr size_t kRealsShown = 16;

// The schema's field names, by timeout kind.
constexpr std::array<std::string_view, dataplane::kTimeoutKinds> kTimeoutNames = {
    "tcp_none",       "tcp_established", "tcp_syn_sent", "tcp_syn_recv", "tcp_fin_wait", "tcp_time_wait",
    "tcp_close",      "tcp_close_wait",  "tcp_last_ack", "tcp_listen",   "tcp_synack",   "udp"};

std::string text_of(Milliseconds duration) {
  const auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}
std::string text_of(const std::optional<Milliseconds>& duration) {
  return duration ? text_of(*duration) : std::string("default");
}
std::string text_of(const std::string& text) { return text.empty() ? "default" : text; }
std::string text_of(bool value) { return value ? "yes" : "no"; }
std::string text_of(uint32_t value) { return std::to_string(value); }
std::string text_of(SchedulerKind scheduler) { return std::string(name_of(scheduler)); }
// As ipvsadm shows them: "mh (fallback,port)".
std::string text_of(SchedulerKind scheduler, const SchedulerFlags& flags) {
  if (!has_flags(scheduler)) return text_of(scheduler);
  std::string set = flags.fallback ? "fallback" : "";
  if (flags.port) set += set.empty() ? "port" : ",port";
  return text_of(scheduler) + (set.empty() ? "" : " (" + set + ")");
}
std::string text_of(Method method) { return std::string(name_of(method)); }

// Collects the changed fields of one subject.
class Details {
 public:
  template <typename T>
  void field(std::string_view name, const T& before, const T& after) {
    if (before == after) return;
    lines.push_back(std::string(name) + ": " + text_of(before) + " -> " + text_of(after));
  }
  void timeouts(std::string_view prefix, const Timeouts& before, const Timeouts& after) {
    for (size_t i = 0; i < kTimeoutNames.size(); ++i) {
      field(std::string(prefix) + std::string(kTimeoutNames[i]), before.values[i], after.values[i]);
    }
  }
  std::vector<std::string> lines;
};

void add_if_any(std::vector<Change>& changes, std::string subject, Details details) {
  if (details.lines.empty()) return;
  changes.push_back({Change::Kind::kChanged, std::move(subject), std::move(details.lines)});
}

std::string describe(const Real& real) {
  const std::string place = address_and_port(real.address, real.port);
  return (real.name == place ? place : real.name + " " + place) + " weight " + std::to_string(real.weight);
}

std::string subject_of(const Service& service) { return "service " + service.name; }
std::string subject_of(const Service& service, const Real& real) {
  return "real " + service.name + "/" + real.name;
}

Change whole_service(Change::Kind kind, const Service& service) {
  Change change{kind, subject_of(service), {}};
  change.details.push_back(std::string(name_of(service.protocol)) + " " +
                           address_and_port(service.address, service.port) + " " +
                           text_of(service.scheduler, service.scheduler_flags) + " " + text_of(service.method));
  for (size_t i = 0; i < std::min(service.reals.size(), kRealsShown); ++i) {
    change.details.push_back("real " + describe(service.reals[i]));
  }
  if (service.reals.size() > kRealsShown) {
    change.details.push_back("and " + std::to_string(service.reals.size() - kRealsShown) + " more reals");
  }
  return change;
}

Details fields_of(const Service& before, const Service& after) {
  Details details;
  details.field("name", before.name, after.name);
  details.field("scheduler", before.scheduler, after.scheduler);
  // Those of a scheduler that has none are gone with it.
  if (has_flags(after.scheduler)) {
    details.field("scheduler_flags.port", before.scheduler_flags.port, after.scheduler_flags.port);
    details.field("scheduler_flags.fallback", before.scheduler_flags.fallback, after.scheduler_flags.fallback);
  }
  details.field("method", before.method, after.method);
  details.field("local_addresses", before.local_addresses, after.local_addresses);
  details.field("vip_port", before.vip_port, after.vip_port);
  details.field("sloppy_tcp", before.sloppy_tcp, after.sloppy_tcp);
  const HealthCheck& old_check = before.health_check;
  const HealthCheck& new_check = after.health_check;
  details.field("health_check.enabled", old_check.enabled, new_check.enabled);
  details.field("health_check.interval", old_check.interval, new_check.interval);
  details.field("health_check.timeout", old_check.timeout, new_check.timeout);
  details.field("health_check.rise", old_check.rise, new_check.rise);
  details.field("health_check.fall", old_check.fall, new_check.fall);
  details.field("health_check.port", uint32_t{old_check.port}, uint32_t{new_check.port});
  details.timeouts("timeouts.", before.timeouts, after.timeouts);
  return details;
}

Details fields_of(const Real& before, const Real& after) {
  Details details;
  details.field("name", before.name, after.name);
  details.field("weight", before.weight, after.weight);
  details.field("draining", before.weight_before_drain.has_value(), after.weight_before_drain.has_value());
  return details;
}

struct Place {
  IpAddress address;
  uint16_t port;
  bool operator==(const Place&) const = default;
};
struct PlaceHash {
  size_t operator()(const Place& place) const noexcept { return hash_of(place.address, place.port); }
};

void compare_reals(const Service& before, const Service& after, std::vector<Change>& changes) {
  if (before.reals == after.reals) return;
  std::unordered_map<Place, const Real*, PlaceHash> old_reals;
  for (const Real& real : before.reals) old_reals.emplace(Place{real.address, real.port}, &real);
  std::vector<const Real*> added;
  for (const Real& real : after.reals) {
    const auto found = old_reals.find({real.address, real.port});
    if (found == old_reals.end()) {
      added.push_back(&real);
      continue;
    }
    add_if_any(changes, subject_of(after, real), fields_of(*found->second, real));
    old_reals.erase(found);
  }
  for (const Real* real : added) {
    changes.push_back({Change::Kind::kAdded, subject_of(after, *real), {describe(*real)}});
  }
  for (const Real& real : before.reals) {
    if (!old_reals.contains({real.address, real.port})) continue;
    changes.push_back({Change::Kind::kRemoved, subject_of(before, real), {describe(real)}});
  }
}

void compare_services(const DesiredState& before, const DesiredState& after, std::vector<Change>& changes) {
  std::unordered_map<ServiceKey, const Service*, KeyHash> old_services;
  for (const Service& service : before.services) old_services.emplace(key_of(service), &service);
  for (const Service& service : after.services) {
    const auto found = old_services.find(key_of(service));
    if (found == old_services.end()) {
      changes.push_back(whole_service(Change::Kind::kAdded, service));
      continue;
    }
    if (*found->second != service) {
      add_if_any(changes, subject_of(service), fields_of(*found->second, service));
      compare_reals(*found->second, service, changes);
    }
    old_services.erase(found);
  }
  for (const Service& service : before.services) {
    if (old_services.contains(key_of(service))) {
      changes.push_back(whole_service(Change::Kind::kRemoved, service));
    }
  }
}

void add_absent(const std::vector<IpAddress>& wanted, const std::vector<IpAddress>& present, char sign,
                Details& details) {
  const std::unordered_set<IpAddress, KeyHash> known(present.begin(), present.end());
  for (const IpAddress& address : wanted) {
    if (!known.contains(address)) details.lines.push_back("addresses: " + (sign + address.to_string()));
  }
}

void compare_pools(const DesiredState& before, const DesiredState& after, std::vector<Change>& changes) {
  std::unordered_map<std::string, const LocalAddressPool*> old_pools;
  for (const LocalAddressPool& pool : before.local_addresses) old_pools.emplace(pool.name, &pool);
  for (const LocalAddressPool& pool : after.local_addresses) {
    const auto found = old_pools.find(pool.name);
    const bool is_new = found == old_pools.end();
    const LocalAddressPool& old_pool = is_new ? LocalAddressPool{} : *found->second;
    Details details;
    add_absent(pool.addresses, old_pool.addresses, '+', details);
    add_absent(old_pool.addresses, pool.addresses, '-', details);
    details.field("port", old_pool.port, pool.port);
    const std::string subject = "local_addresses " + pool.name;
    if (is_new) {
      changes.push_back({Change::Kind::kAdded, subject, std::move(details.lines)});
    } else {
      add_if_any(changes, subject, std::move(details));
      old_pools.erase(found);
    }
  }
  for (const LocalAddressPool& pool : before.local_addresses) {
    if (old_pools.contains(pool.name)) {
      changes.push_back({Change::Kind::kRemoved, "local_addresses " + pool.name, {}});
    }
  }
}

}  // namespace

std::vector<Change> differences(const DesiredState& before, const DesiredState& after) {
  std::vector<Change> changes;
  Details timeouts;
  timeouts.timeouts("", before.timeouts, after.timeouts);
  add_if_any(changes, "timeouts", std::move(timeouts));
  compare_pools(before, after, changes);
  compare_services(before, after, changes);
  return changes;
}

}  // namespace shunt::control
