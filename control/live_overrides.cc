// Overrides in the live state: how they stay with their reals through changes of the desired state.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "control/identity.h"
#include "control/live_state.h"

namespace shunt::control {
namespace {

std::shared_ptr<const Override> shared(const Override& value) {
  return value.is_empty() ? nullptr : std::make_shared<const Override>(value);
}

}  // namespace

void LiveState::set_override(RealPlace place, const Override& wanted) {
  LiveReal& live = live_[place.service].reals[place.real];
  live.override_of = shared(wanted);
  note_weight(live, real(place));
  mark(place.service);
  const auto at = std::lower_bound(overridden_.begin(), overridden_.end(), place);
  const bool is_listed = at != overridden_.end() && *at == place;
  if (live.override_of == nullptr && is_listed) overridden_.erase(at);
  if (live.override_of != nullptr && !is_listed) overridden_.insert(at, place);
}

std::vector<KeptOverride> LiveState::overrides() const {
  std::vector<KeptOverride> list;
  list.reserve(overridden_.size());
  for (const RealPlace place : overridden_) {
    const Real& at = real(place);
    list.push_back({service(place).name, at.name, at.address, at.port, *live(place).override_of});
  }
  return list;
}

void LiveState::find_overridden() {
  overridden_.clear();
  for (uint32_t i = 0; i < live_.size(); ++i) {
    for (uint32_t j = 0; j < live_[i].reals.size(); ++j) {
      if (live_[i].reals[j].override_of != nullptr) overridden_.push_back({i, j});
    }
  }
}

std::vector<LiveState::Held> LiveState::held_overrides() const {
  std::vector<KeptOverride> kept = overrides();
  std::vector<Held> held;
  for (size_t i = 0; i < kept.size(); ++i) held.push_back({std::move(kept[i]), live(overridden_[i]).override_of});
  return held;
}

// A service that is the same one has its overrides still, under whatever name; others, whose method or VIP changed, are
// new ones, and get them by their name.
std::vector<KeptOverride> LiveState::attach(std::vector<Held> held) {
  if (held.empty()) return {};
  find_overridden();
  std::unordered_set<const Override*> attached;
  for (const RealPlace place : overridden_) attached.insert(live(place).override_of.get());
  std::vector<KeptOverride> lost;
  for (Held& each : held) {
    if (attached.contains(each.value.get())) continue;
    const auto place = find_real(each.kept.service, address_and_port(each.kept.address, each.kept.port));
    if (place) set_override(*place, *each.value);
    else lost.push_back(std::move(each.kept));
  }
  return lost;
}

std::vector<KeptOverride> LiveState::restore(const std::vector<KeptOverride>& overrides) {
  std::vector<Held> held;
  for (const KeptOverride& each : overrides) held.push_back({each, shared(each.value)});
  return attach(std::move(held));
}

}  // namespace shunt::control
