// The controller's answers to observers.
#include "control/observation.h"

#include <algorithm>
#include <cctype>

#include "control/controller_state.h"
#include "control/identity.h"

namespace shunt::control {
namespace {

// A page of full services holds the loop no longer than some milliseconds.
constexpr size_t kRealsAPage = 4000;
constexpr size_t kShownPrefixes = 3;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string joined(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (size_t i = 0; i < std::min(prefixes.size(), kShownPrefixes); ++i) {
    text += (i == 0 ? "" : ",") + prefixes[i].to_string();
  }
  return prefixes.size() > kShownPrefixes
             ? text + ",+" + std::to_string(prefixes.size() - kShownPrefixes)
             : text;
}

std::string text_of(const Match& match) {
  std::string text = match.vips.empty() ? "*" : joined(match.vips);
  if (match.ports != kAllPorts) {
    text += ":" + std::to_string(match.ports.first);
    if (!match.ports.is_one()) text += "-" + std::to_string(match.ports.last);
  }
  if (!match.clients.empty()) text += " from " + joined(match.clients);
  if (!match.ingress_port.empty()) text += " on " + match.ingress_port;
  return text;
}

bool is_troubled(const LiveState& live, uint32_t index) {
  const Service& service = live.desired().services[index];
  bool serves = false;
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    const bool is_down = live.live(index).reals[i].health.health == Health::kDown;
    if (is_down) return true;
    serves |= !service.reals[i].sorry && live.wanted_weight({index, i}) > 0;
  }
  return !serves || !live.live(index).standing.has_quorum;
}

// `wanted` in lower case.
bool is_named(const Service& service, const std::string& wanted) {
  if (wanted.empty() || lower(service.name).find(wanted) != std::string::npos) return true;
  return lower(place_of(vips_of(service), service.match)).find(wanted) != std::string::npos;
}

}  // namespace

std::string place_of(const std::vector<Vip>& vips, const std::optional<Match>& match) {
  if (match) return text_of(*match);
  return vips.empty() ? "" : address_and_ports(vips.front());
}

Overview Controller::State::overview() const {
  Overview result;
  result.status = status();
  result.workers = worker_states();
  result.ports = port_states();
  result.drops = drop_states();
  result.snat = snat_states();
  result.mbufs_available = dataplane.mbufs_available();
  result.mbuf_capacity = dataplane.mbuf_capacity();
  result.last_apply_succeeded = last_apply_succeeded;
  result.last_apply = last_apply == WallClock::time_point{} ? applied : last_apply;
  if (options.hooks.checks) result.checks = options.hooks.checks();
  if (options.hooks.probes) result.probes = options.hooks.probes();
  result.control_lag_seconds = std::chrono::duration<double>(lateness.worst(Clock::now())).count();
  return result;
}

FoundServices Controller::State::find_services(const ServiceSearch& search) const {
  const std::string wanted = lower(search.text);
  const auto removed = removed_by_service();
  const DesiredState& desired = live.desired();
  FoundServices found;
  found.all = static_cast<uint32_t>(desired.services.size());
  size_t reals = 0;
  for (const uint32_t index : live.by_name()) {
    const Service& service = desired.services[index];
    if (search.troubled && !is_troubled(live, index)) continue;
    if (!is_named(service, wanted)) continue;
    if (found.matching++ < search.offset || found.services.size() >= search.limit ||
        reals >= kRealsAPage)
      continue;
    const auto gone = removed.find(live.live(index).id.index);
    found.services.push_back(
        service_state(index, gone == removed.end() ? std::vector<RealId>{} : gone->second));
    reals += found.services.back().reals.size();
  }
  return found;
}

}  // namespace shunt::control
