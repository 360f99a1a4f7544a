#include "control/http/metrics.h"

#include <algorithm>
#include <utility>

#include "control/http/exposition.h"
#include "control/http/machine_metrics.h"

namespace shunt::control::http {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

}  // namespace

// What is told of a service or a real: one number, or two that differ in one label.
template <typename State>
struct Family {
  const char* name;
  const char* type;
  const char* help;
  uint64_t (*value)(const State&);
  // "direction", with the values of `value` and `second`; nullptr: no such label.
  const char* label = nullptr;
  const char* first_label = nullptr;
  const char* second_label = nullptr;
  uint64_t (*second)(const State&) = nullptr;
  // In place of first_label, where it depends.
  const char* (*label_of)(const State&) = nullptr;
};

namespace {

bool is_up(const RealState& real) { return real.health != Health::kDown; }
bool is_inhibited(const RealState& real) { return real.inhibition != nullptr; }

// Wanted and fit: what a service can still give connections to.
uint64_t count_up(const ServiceState& service) {
  return static_cast<uint64_t>(
      std::count_if(service.reals.begin(), service.reals.end(), [](const RealState& real) {
        return !real.removed && !real.sorry && is_up(real) && !is_inhibited(real) && real.weight > 0;
      }));
}

uint64_t count_present(const ServiceState& service) {
  return static_cast<uint64_t>(
      std::count_if(service.reals.begin(), service.reals.end(),
                    [](const RealState& real) { return !real.removed && !real.sorry; }));
}

const char* admin_state(const RealState& real) {
  if (real.removed) return "removed";
  if (real.draining) return "draining";
  return real.override_of && real.override_of->weight ? "weighed" : "enabled";
}

// By dataplane::Limit.
template <size_t kLimit>
uint64_t limited(const ServiceState& service) {
  return service.refused.limited[kLimit];
}
template <size_t kLimit>
uint64_t client_limited(const ServiceState& service) {
  return service.refused.client_limited[kLimit];
}

constexpr Family<ServiceState> kServiceFamilies[] = {
    {"shunt_service_reals", "gauge", "Reals of the service, without sorry reals and removed ones.",
     count_present},
    {"shunt_service_reals_up", "gauge",
     "Those of them that take new connections: not down, and of a weight above 0.", count_up},
    {"shunt_service_has_quorum", "gauge", "1: the service has its quorum (or needs none).",
     [](const ServiceState& s) { return uint64_t{s.standing.has_quorum}; }},
    {"shunt_service_panics", "gauge",
     "1: fewer reals than panic_threshold are up, and all are used, down ones too.",
     [](const ServiceState& s) { return uint64_t{s.standing.panics}; }},
    {"shunt_service_access_denied_packets_total", "counter",
     "Packets that would open a connection, of clients whom the service's access lists deny.",
     [](const ServiceState& s) { return s.refused.denied; }},
    {"shunt_service_limited_new_connections_total", "counter",
     "New connections that the service's limits refused: of the service, and of one client.", limited<0>, "of", "service",
     "client", client_limited<0>},
    {"shunt_service_limited_packets_total", "counter", "Packets beyond packets_per_second.", limited<1>, "of", "service",
     "client", client_limited<1>},
    {"shunt_service_limited_throughput_packets_total", "counter", "Packets beyond kilobits_per_second.", limited<2>, "of", "service",
     "client", client_limited<2>},
    {"shunt_service_limited_connections_total", "counter", "New connections beyond `connections` at a time.", limited<3>,
     "of", "service", "client", client_limited<3>},
    {"shunt_service_active_connections", "gauge", "Active connections of the service now.",
     [](const ServiceState& s) { return s.active_connections; }},
    {"shunt_service_inactive_connections", "gauge",
     "Inactive connections of the service now: opening, closing or closed.",
     [](const ServiceState& s) { return s.inactive_connections; }},
    {"shunt_service_connections_total", "counter", "Connections that the service was given.",
     [](const ServiceState& s) { return s.traffic.connections; }},
    {"shunt_service_packets_total", "counter",
     "Packets forwarded: in, from clients; out, from reals.",
     [](const ServiceState& s) { return s.traffic.in_packets; }, "direction", "in", "out",
     [](const ServiceState& s) { return s.traffic.out_packets; }},
    {"shunt_service_bytes_total", "counter", "Bytes of those packets.",
     [](const ServiceState& s) { return s.traffic.in_bytes; }, "direction", "in", "out",
     [](const ServiceState& s) { return s.traffic.out_bytes; }},
};

constexpr Family<RealState> kRealFamilies[] = {
    {"shunt_real_up", "gauge", "1: the real is not down by its check (or has none).",
     [](const RealState& r) { return uint64_t{is_up(r)}; }},
    {"shunt_real_admin_state", "gauge",
     "1 for the state that the operator gave the real: enabled, weighed (its weight is an override), draining or removed.",
     [](const RealState&) { return uint64_t{1}; }, "state", nullptr, nullptr, nullptr, admin_state},
    {"shunt_real_weight", "gauge", "Weight as wanted: the override's, or the configured one.",
     [](const RealState& r) { return uint64_t{r.weight}; }},
    {"shunt_real_effective_weight", "gauge",
     "Weight as the scheduler sees it: 0 when down or drained.",
     [](const RealState& r) { return uint64_t{r.effective_weight}; }},
    {"shunt_real_transitions_total", "counter",
     "How often checks found the real up again, and down.",
     [](const RealState& r) { return r.went_up; }, "to", "up", "down",
     [](const RealState& r) { return r.went_down; }},
    {"shunt_real_inhibited", "gauge",
     "1: the real gets no new connections for what became of those that it had (passive check).",
     [](const RealState& r) { return uint64_t{is_inhibited(r)}; }},
    {"shunt_real_inhibitions_total", "counter", "How often the real was inhibited.",
     [](const RealState& r) { return r.passive ? r.passive->inhibited : 0; }},
    {"shunt_real_answered_connections_total", "counter",
     "New connections that the real answered; reset: it reset them before it sent anything else. Of passive checks.",
     [](const RealState& r) { return r.passive ? r.passive->outcomes.reset : 0; }, "reset", "yes", "no",
     [](const RealState& r) { return r.passive ? r.passive->outcomes.answered - std::min(r.passive->outcomes.answered, r.passive->outcomes.reset) : 0; }},
    {"shunt_real_failed_connections_total", "counter",
     "New connections that the real did not answer within 3 s, or answered by a reset. Of passive checks.",
     [](const RealState& r) { return r.passive ? r.passive->outcomes.unanswered : 0; }, "how", "unanswered", "refused",
     [](const RealState& r) { return r.passive ? r.passive->outcomes.refused : 0; }},
    {"shunt_real_active_connections", "gauge", "Active connections on the real now.",
     [](const RealState& r) { return r.active_connections; }},
    {"shunt_real_inactive_connections", "gauge", "Inactive connections on the real now.",
     [](const RealState& r) { return r.inactive_connections; }},
    {"shunt_real_connections_total", "counter", "Connections that the real was given.",
     [](const RealState& r) { return r.traffic.connections; }},
    {"shunt_real_packets_total", "counter", "Packets forwarded: in, to the real; out, from it.",
     [](const RealState& r) { return r.traffic.in_packets; }, "direction", "in", "out",
     [](const RealState& r) { return r.traffic.out_packets; }},
    {"shunt_real_bytes_total", "counter", "Bytes of those packets.",
     [](const RealState& r) { return r.traffic.in_bytes; }, "direction", "in", "out",
     [](const RealState& r) { return r.traffic.out_bytes; }},
};

void tell(Exposition& out, const Family<ServiceState>& family, const ServiceState& service) {
  if (family.label == nullptr)
    return out.sample({{"service", service.name}}, family.value(service));
  out.sample({{"service", service.name}, {family.label, family.first_label}},
             family.value(service));
  out.sample({{"service", service.name}, {family.label, family.second_label}},
             family.second(service));
}

void tell(Exposition& out, const Family<RealState>& family, const ServiceState& service) {
  const std::pair<std::string_view, std::string_view> owner = {"service", service.name};
  for (const RealState& real : service.reals) {
    if (family.label == nullptr) {
      out.sample({owner, {"real", real.name}}, family.value(real));
      continue;
    }
    const char* first = family.label_of == nullptr ? family.first_label : family.label_of(real);
    out.sample({owner, {"real", real.name}, {family.label, first}}, family.value(real));
    if (family.second == nullptr) continue;
    out.sample({owner, {"real", real.name}, {family.label, family.second_label}},
               family.second(real));
  }
}

// Removed reals may share a name, with each other or with a present one: a series may come once
// only.
std::vector<ServiceState> without_doubles(std::vector<ServiceState> services) {
  for (ServiceState& service : services) {
    std::vector<RealState>& reals = service.reals;
    if (std::none_of(reals.begin(), reals.end(),
                     [](const RealState& real) { return real.removed; }))
      continue;
    for (auto real = reals.begin(); real != reals.end();) {
      const bool is_double =
          real->removed && std::any_of(reals.begin(), real, [&](const RealState& other) {
            return other.name == real->name;
          });
      real = is_double ? reals.erase(real) : std::next(real);
    }
  }
  return services;
}

}  // namespace

Metrics::Metrics(Overview overview, std::vector<ServiceState> services, bool reals)
    : overview_(std::move(overview)),
      services_(without_doubles(std::move(services))),
      reals_(reals) {}

// Tells families until there is enough of them; false: all were told.
template <typename State>
bool Metrics::tell_some(std::string& out, std::span<const Family<State>> families, size_t& family) {
  Exposition exposition(out);
  const size_t until = out.size() + kPieceBytes;
  for (; family < families.size(); ++family, service_ = 0) {
    const Family<State>& each = families[family];
    exposition.family(each.name, each.type, each.help, service_ == 0);
    while (service_ < services_.size()) {
      tell(exposition, each, services_[service_++]);
      if (out.size() >= until) return true;
    }
  }
  return false;
}

bool Metrics::next(std::string& out) {
  if (!std::exchange(machine_told_, true)) {
    Exposition exposition(out);
    tell_machine(exposition, overview_);
    return true;
  }
  if (tell_some<ServiceState>(out, kServiceFamilies, service_family_)) return true;
  return reals_ && tell_some<RealState>(out, kRealFamilies, real_family_);
}

}  // namespace shunt::control::http
