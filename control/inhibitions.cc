// Reals that are inhibited for what becomes of their clients' connections, and let go again: looked for by the clock.
#include <string>
#include <utility>

#include "control/controller_state.h"
#include "control/identity.h"
#include "control/policy/override.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

std::string subject_of(const Service& service, const Real& real) { return "real " + service.name + "/" + real.name; }

}  // namespace

void Controller::State::look_at_outcomes(Clock::time_point now) {
  if (live.watched().empty() && watched_reals.empty()) return;
  ++outcome_looks;
  for (const uint32_t index : live.watched()) look_at_service(index, now);
  std::erase_if(watched_reals, [this](const auto& entry) { return entry.second.seen != outcome_looks; });
}

void Controller::State::look_at_service(uint32_t index, Clock::time_point now) {
  const Service& service = live.desired().services[index];
  const PassiveCheck& check = *service.health_check.passive;
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    const RealPlace place{index, i};
    const LiveReal& real = live.live(place);
    const Outcomes total = meters.outcomes_of(real.id);
    const auto [found, is_new] = watched_reals.try_emplace(real.id.index);
    WatchedReal& watched = found->second;
    if (is_new) watched.base = total;
    watched.seen = outcome_looks;
    if (real.inhibition != nullptr) {
      if (watched.watch.is_over(now)) release(place, "its time is over", now);
      continue;
    }
    // Who gets no connections anyway begins anew when he does.
    if (real.health.health == Health::kDown || live.wanted_weight(place) == 0) {
      watched.watch.restart(total, now);
    } else if (const auto why = watched.watch.look(check, total, now)) {
      inhibit(place, *why, now);
    }
  }
  // Nobody is kept away when nobody else is left.
  for (const bool sorry : {false, true}) {
    const InhibitedShare share = live.inhibited_share(index, sorry);
    if (share.inhibited == 0 || share.fine > 0) continue;
    for (uint32_t i = 0; i < service.reals.size(); ++i) {
      const LiveReal& real = live.live(RealPlace{index, i});
      const bool may_help = service.reals[i].sorry == sorry && real.health.health != Health::kDown;
      if (may_help && real.inhibition != nullptr) release({index, i}, "no other real is up", now);
    }
  }
}

void Controller::State::inhibit(RealPlace place, const std::string& why, Clock::time_point now) {
  const Service& service = live.service(place);
  const Real& real = live.real(place);
  const PassiveCheck& check = *service.health_check.passive;
  const RealId id = live.live(place).id;
  OutcomeWatch& watch = watched_reals.at(id.index).watch;
  if (!may_inhibit(check, live.inhibited_share(place.service, real.sorry))) {
    const bool is_news = watch.spare(check, meters.outcomes_of(id), now);
    if (is_news) tell("real_spared", subject_of(service, real), why + "; not inhibited: too few others are up");
    return;
  }
  const Milliseconds lasts = watch.inhibit(check, now);
  const WallClock::time_point since = WallClock::now();
  const auto until = since + lasts;
  live.set_inhibition(place, std::make_shared<const Inhibition>(Inhibition{since, until, why}));
  spdlog::warn("{}: inhibited: {}", subject_of(service, real), why);
  tell("real_inhibited", subject_of(service, real), why + "; until " + text_of(until));
  publish_soon();
}

void Controller::State::release(RealPlace place, const char* why, Clock::time_point now) {
  const RealId id = live.live(place).id;
  watched_reals.at(id.index).watch.release(meters.outcomes_of(id), now);
  live.set_inhibition(place, nullptr);
  const std::string subject = subject_of(live.service(place), live.real(place));
  spdlog::info("{}: not inhibited any more: {}", subject, why);
  tell("real_released", subject, why);
  if (live.live(place).health.health != Health::kDown) live.begin_slow_start(place, now);
  publish_soon();
}

}  // namespace shunt::control
