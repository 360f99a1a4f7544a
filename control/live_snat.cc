#include "control/live_snat.h"

#include <algorithm>
#include <set>
#include <utility>

#include "control/identity.h"

namespace shunt::control {
namespace {

// A NAT must not forget a connection that its ends may still hold (RFC 5382 section 5); a service's client would only be
// scheduled anew.
constexpr uint32_t kEstablishedMs = 7'440'000;

dataplane::TimeoutSet timeouts_of(const Timeouts& general, const Timeouts& own) {
  dataplane::TimeoutSet result = dataplane::kDefaultTimeoutsMs;
  result[static_cast<size_t>(dataplane::ConnectionState::kEstablished)] = kEstablishedMs;
  for (size_t i = 0; i < result.size(); ++i) {
    const auto& wanted = own.values[i] ? own.values[i] : general.values[i];
    if (wanted) result[i] = static_cast<uint32_t>(wanted->count());
  }
  return result;
}

std::vector<MatchRule> matches_of(const SnatRule& rule, std::optional<uint16_t> in_port) {
  std::vector<MatchRule> matches;
  for (const Protocol protocol : rule.protocols) {
    const AddressFamily family = family_of(rule);
    const bool is_icmp = protocol == Protocol::kIcmp;
    const Protocol on_wire = is_icmp && family == AddressFamily::kIpv6 ? Protocol::kIcmpv6 : protocol;
    // An echo request's destination port is 0 (dataplane/icmp/echo.h).
    matches.push_back({on_wire, family, rule.sources, rule.destinations, is_icmp ? PortRange{0, 0} : kAllPorts, in_port, 0});
  }
  return matches;
}

}  // namespace

LiveSnat::LiveSnat(Slots& slots, SnapshotBuilder& builder, std::function<Traffic(RealId)> counters_of,
                   std::function<uint64_t(uint32_t)> exhausted_of, Ports ports)
    : slots_(slots),
      builder_(builder),
      counters_of_(std::move(counters_of)),
      exhausted_of_(std::move(exhausted_of)),
      ports_(std::move(ports)) {}

size_t LiveSnat::count_new(const std::vector<SnatRule>& rules) const {
  return static_cast<size_t>(
      std::count_if(rules.begin(), rules.end(), [this](const SnatRule& rule) { return !slots_.has(key_of(rule)); }));
}

// No port has kMaxPorts: a rule that names one which is not there is for nothing.
uint16_t LiveSnat::port_of(const std::string& name) const {
  const auto found = ports_.find(name);
  return found == ports_.end() ? static_cast<uint16_t>(dataplane::kMaxPorts) : found->second;
}

SnatInput LiveSnat::input_of(const SnatRule& rule, const LiveSnatRule& live) const {
  std::optional<uint16_t> in_port;
  if (!rule.ingress_port.empty()) in_port = port_of(rule.ingress_port);
  const uint16_t out_port = rule.egress_port.empty() ? dataplane::SnatEntry::kAnyPort : port_of(rule.egress_port);
  return {live.real, live.counter, matches_of(rule, in_port), out_port, rule.ports, live.addresses};
}

void LiveSnat::replace(const std::vector<SnatRule>& before, const std::vector<SnatRule>& next,
                       const Timeouts& general) {
  std::unordered_map<RealKey, LiveSnatRule, KeyHash> old;
  std::set<uint32_t> free_counters;
  for (uint32_t i = 0; i < dataplane::kMaxSnatRules; ++i) free_counters.insert(i);
  for (size_t i = 0; i < before.size(); ++i) {
    old.emplace(real_key_of(before[i]), rules_[i]);
    free_counters.erase(rules_[i].counter);
  }
  rules_.clear();
  std::vector<SnatInput> inputs;
  for (const SnatRule& rule : next) {
    LiveSnatRule live;
    const auto found = old.find(real_key_of(rule));
    if (found != old.end()) {
      live = found->second;
      old.erase(found);
    } else {
      live.counter = *free_counters.begin();
      free_counters.erase(free_counters.begin());
      live.exhausted_base = exhausted_of_(live.counter);
      const bool had_slot = slots_.has(real_key_of(rule));
      live.service = slots_.take_service(key_of(rule), rule.name);
      live.real = slots_.take_real(real_key_of(rule), live.service, "snat", counters_of_);
      if (!had_slot) builder_.set_real(live.real, {family_of(rule), {}}, 0, Method::kSnat, live.service);
    }
    live.addresses = std::make_shared<const std::vector<IpAddress>>(addresses_of(rule.addresses));
    builder_.set_snat_timeouts(live.service, timeouts_of(general, rule.timeouts));
    inputs.push_back(input_of(rule, live));
    rules_.push_back(std::move(live));
  }
  for (const auto& [key, live] : old) {
    slots_.remove_real(live.real, builder_.version() + 1);
    slots_.remove_service(live.service);
  }
  builder_.set_snat(inputs);
}

}  // namespace shunt::control
