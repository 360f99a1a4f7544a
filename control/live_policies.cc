// A service's policies at work: quorum, panic and slow start, as health and weights change.
#include <algorithm>
#include <utility>

#include "control/live_state.h"
#include "control/policy/slow_start.h"

namespace shunt::control {
namespace {

// By its checks or by its clients' connections.
bool is_down(const LiveReal& live) noexcept { return live.health.health == Health::kDown || live.inhibition != nullptr; }

}  // namespace

void LiveState::judge_service(uint32_t index) {
  const Service& service = desired_.services[index];
  LiveService& live = live_[index];
  RealsUp reals;
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    const uint32_t weight = wanted_weight({index, i});
    if (service.reals[i].sorry || weight == 0) continue;
    ++reals.wanted;
    if (is_down(live.reals[i])) continue;
    ++reals.up;
    reals.weight_up += weight;
  }
  const ServiceStanding before = live.standing;
  live.standing = judge(service.quorum, service.panic_threshold, reals, before);
  const bool quorum_changed = live.standing.has_quorum != (before.is_judged ? before.has_quorum : true);
  if (quorum_changed || live.standing.panics != before.panics) {
    standing_changes_.push_back({service.name, before, live.standing});
  }
}

std::vector<StandingChange> LiveState::take_standing_changes() { return std::exchange(standing_changes_, {}); }

std::vector<IpAddress> LiveState::withdrawn() const {
  std::vector<IpAddress> addresses;
  for (uint32_t i = 0; i < live_.size(); ++i) {
    if (!is_withdrawn(i)) continue;
    const std::vector<IpAddress> own = addresses_of(desired_.services[i]);
    addresses.insert(addresses.end(), own.begin(), own.end());
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

bool LiveState::is_withdrawn(uint32_t index) const {
  const auto& quorum = desired_.services[index].quorum;
  return quorum && quorum->on_loss == OnQuorumLoss::kWithdraw && !live_[index].standing.has_quorum;
}

bool LiveState::may_serve(RealPlace place) const {
  const Service& of = service(place);
  const ServiceStanding& standing = live_[place.service].standing;
  const bool down = is_down(live(place));
  if (real(place).sorry) return !down;
  if (of.quorum && of.quorum->on_loss == OnQuorumLoss::kSorry && !standing.has_quorum) return false;
  return !down || standing.panics;
}

void LiveState::set_inhibition(RealPlace place, std::shared_ptr<const Inhibition> inhibition) {
  live_[place.service].reals[place.real].inhibition = std::move(inhibition);
  mark(place.service);
}

void LiveState::find_watched() {
  watched_.clear();
  for (uint32_t i = 0; i < live_.size(); ++i) {
    if (desired_.services[i].health_check.passive) watched_.push_back(i);
  }
}

InhibitedShare LiveState::inhibited_share(uint32_t index, bool sorry) const {
  const Service& service = desired_.services[index];
  InhibitedShare share;
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    if (service.reals[i].sorry != sorry || wanted_weight({index, i}) == 0) continue;
    ++share.wanted;
    if (live_[index].reals[i].inhibition != nullptr) ++share.inhibited;
    if (!is_down(live_[index].reals[i])) ++share.fine;
  }
  return share;
}

void LiveState::begin_slow_start(RealPlace place, SteadyTime now) {
  if (service(place).slow_start.count() == 0) return;
  LiveReal& live = live_[place.service].reals[place.real];
  const bool is_listed = std::exchange(live.came_up, now).has_value();
  live.slow_start_step = 1;
  if (!is_listed) starting_.push_back(place);
  mark(place.service);
}

void LiveState::find_starting() {
  starting_.clear();
  for (uint32_t i = 0; i < live_.size(); ++i) {
    for (uint32_t j = 0; j < live_[i].reals.size(); ++j) {
      if (live_[i].reals[j].came_up) starting_.push_back({i, j});
    }
  }
}

bool LiveState::advance_slow_starts(SteadyTime now) {
  bool changed = false;
  std::erase_if(starting_, [&](RealPlace place) {
    LiveReal& live = live_[place.service].reals[place.real];
    const uint32_t step = slow_start_step(now - *live.came_up, service(place).slow_start);
    if (step != live.slow_start_step) {
      live.slow_start_step = step;
      mark(place.service);
      changed = true;
    }
    if (step < kSlowStartSteps) return false;
    live.came_up.reset();
    return true;
  });
  return changed;
}

uint32_t LiveState::slow_start_factor_of(uint32_t index) const {
  const LiveService& live = live_[index];
  uint32_t most = 0;
  bool is_starting = false;
  for (uint32_t i = 0; i < live.reals.size(); ++i) {
    is_starting |= live.reals[i].slow_start_step < kSlowStartSteps;
    most = std::max({most, wanted_weight({index, i}), slots_.real(live.reals[i].id).last_weight});
  }
  return is_starting ? slow_start_factor(most) : 1;
}

}  // namespace shunt::control
