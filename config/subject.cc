#include "config/subject.h"

#include <charconv>
#include <optional>

#include "config/real_name.h"
#include "config/words.h"

namespace shunt::config {
namespace {

// "services[2].reals[0].weight" read from the left.
struct Step {
  std::string_view name;
  // -1: not a list's entry.
  int index = -1;
  std::string_view rest;
};

Step first_step(std::string_view path) {
  const size_t dot = path.find('.');
  std::string_view head = path.substr(0, dot);
  Step step{head, -1, dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1)};
  const size_t bracket = head.find('[');
  if (bracket == std::string_view::npos) return step;
  step.name = head.substr(0, bracket);
  std::from_chars(head.data() + bracket + 1, head.data() + head.size(), step.index);
  return step;
}

template <typename List>
auto entry(const List& list, int index) -> decltype(&list.Get(0)) {
  return index >= 0 && index < list.size() ? &list.Get(index) : nullptr;
}

std::string indexed(const Step& step) {
  return std::string(step.name) + "[" + std::to_string(step.index) + "]";
}

std::string named(std::string_view kind, const std::string& name, const Step& step) {
  return name.empty() ? indexed(step) : std::string(kind) + " " + shown(name);
}

std::string service_subject(const Step& step, const v1::Service& service) {
  const std::string subject = named("service", service.name(), step);
  const Step inner = first_step(step.rest);
  const bool is_sorry = inner.name == "sorry_reals";
  if ((inner.name != "reals" && !is_sorry) || inner.index < 0) return subject;
  const v1::Real* real = entry(is_sorry ? service.sorry_reals() : service.reals(), inner.index);
  const std::string name = real == nullptr ? "" : name_of(*real, service);
  return named(is_sorry ? "sorry real" : "real", name, inner) + " of " + subject;
}

// The fields that Config and DesiredState share.
template <typename State>
std::optional<std::string> state_subject(const Step& step, const State& state) {
  if (step.name == "services") {
    const v1::Service* service = entry(state.services(), step.index);
    if (service != nullptr) return service_subject(step, *service);
  }
  if (step.name == "local_addresses") {
    const v1::LocalAddressPool* pool = entry(state.local_addresses(), step.index);
    if (pool != nullptr) return named("local address pool", pool->name(), step);
  }
  if (step.name == "access_lists") {
    const v1::AccessList* list = entry(state.access_lists(), step.index);
    if (list != nullptr) return named("access list", list->name(), step);
  }
  if (step.name == "snat") {
    const v1::SnatRule* rule = entry(state.snat(), step.index);
    if (rule != nullptr) return named("snat rule", rule->name(), step);
  }
  return std::nullopt;
}

std::string next_hop_subject(const Step& outer, const v1::StaticNextHops& next_hops) {
  const Step step = first_step(outer.rest);
  const v1::StaticNeighbour* neighbour = entry(next_hops.neighbours(), step.index);
  const v1::StaticRoute* route = entry(next_hops.routes(), step.index);
  if (step.name == "neighbours" && neighbour != nullptr && !neighbour->address().empty()) {
    return "neighbour " + shown(neighbour->address());
  }
  if (step.name == "routes" && route != nullptr && !route->prefix().empty())
    return "route " + shown(route->prefix());
  return step.index < 0 ? "next_hops" : "next_hops." + indexed(step);
}

std::string plain_subject(const Step& step) {
  if (step.name.empty()) return "file";
  return step.index < 0 ? std::string(step.name) : indexed(step);
}

}  // namespace

std::string subject_of(std::string_view field, const v1::Config& config) {
  const Step step = first_step(field);
  if (step.name == "ports") {
    const v1::Port* port = entry(config.ports(), step.index);
    if (port != nullptr) return named("port", port->name(), step);
  }
  if (step.name == "next_hops") return next_hop_subject(step, config.next_hops());
  return state_subject(step, config).value_or(plain_subject(step));
}

std::string subject_of(std::string_view field, const v1::DesiredState& state) {
  const Step step = first_step(field);
  return state_subject(step, state).value_or(plain_subject(step));
}

}  // namespace shunt::config
