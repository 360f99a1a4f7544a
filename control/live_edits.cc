// The live state as some of its services change: the others are not touched.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "control/identity.h"
#include "control/live_state.h"

namespace shunt::control {

// A service whose key changes, or goes to another one, takes its slot's history along; tables of access are made for all
// services together. replace() knows how.
bool LiveState::takes_a_replace(const ServiceEdit& edit) const {
  std::unordered_set<ServiceKey, KeyHash> left;
  for (const std::string& name : edit.removed) {
    if (const auto place = find_service(name)) left.insert(key_of(desired_.services[*place]));
  }
  return std::any_of(edit.set.begin(), edit.set.end(), [&](const Service& service) {
    const auto place = find_service(service.name);
    if (left.contains(key_of(service))) return true;
    if (!place) return service.access.has_value();
    const Service& before = desired_.services[*place];
    return !(key_of(before) == key_of(service)) || before.access != service.access;
  });
}

std::vector<LiveState::Held> LiveState::held_by(const ServiceEdit& edit) const {
  if (overridden_.empty()) return {};
  std::unordered_set<uint32_t> places;
  const auto note = [&](const std::string& name) {
    if (const auto place = find_service(name)) places.insert(*place);
  };
  for (const std::string& name : edit.removed) note(name);
  for (const Service& service : edit.set) note(service.name);
  std::vector<Held> held;
  for (const RealPlace place : overridden_) {
    if (!places.contains(place.service)) continue;
    const Real& at = real(place);
    const auto& value = live(place).override_of;
    held.push_back({{service(place).name, at.name, at.address, at.port, *value}, value});
  }
  return held;
}

// Those behind move up.
void LiveState::erase(const std::vector<std::string>& names) {
  std::unordered_set<uint32_t> gone;
  for (const std::string& name : names) {
    if (const auto place = find_service(name)) gone.insert(*place);
  }
  if (gone.empty()) return;
  uint32_t to = 0;
  stale_.clear();
  services_by_name_.clear();
  for (uint32_t from = 0; from < live_.size(); ++from) {
    if (gone.contains(from)) {
      remove(desired_.services[from], live_[from]);
      continue;
    }
    if (to != from) {
      desired_.services[to] = std::move(desired_.services[from]);
      live_[to] = std::move(live_[from]);
    }
    services_by_name_.emplace(desired_.services[to].name, to);
    // What stands behind is asked later.
    if (live_[to].stale || (to != from && desired_.services[to].match)) {
      live_[to].stale = true;
      stale_.push_back(to);
    }
    ++to;
  }
  live_.resize(to);
  desired_.services.resize(to);
}

std::vector<KeptOverride> LiveState::edit(const ServiceEdit& edit, SteadyTime now) {
  if (takes_a_replace(edit)) {
    DesiredState next = desired_;
    make_edits({edit}, next);
    return replace(std::move(next), now);
  }
  std::vector<Held> held = held_by(edit);
  const size_t services = live_.size();
  erase(edit.removed);
  const bool moved = live_.size() != services;
  bool has_new = false;
  bool starts_slowly = false;
  bool is_watched = false;
  for (const Service& service : edit.set) {
    const auto [found, is_new] = services_by_name_.emplace(service.name, static_cast<uint32_t>(live_.size()));
    const uint32_t place = found->second;
    has_new |= is_new;
    if (is_new) {
      desired_.services.push_back(service);
      live_.emplace_back();
      sync_service(place, nullptr, true, now);
    } else {
      const Service before = std::exchange(desired_.services[place], service);
      sync_service(place, &before, false, now);
    }
    starts_slowly |= service.slow_start.count() > 0;
    is_watched |= service.health_check.passive.has_value();
  }
  if (moved || has_new) sorted_.clear();
  if (moved || starts_slowly || !starting_.empty()) find_starting();
  if (moved || is_watched || !watched_.empty()) find_watched();
  if (!overridden_.empty() && moved) find_overridden();
  return attach(std::move(held));
}

}  // namespace shunt::control
