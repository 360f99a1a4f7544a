// Quorums and panics as they come and go: told, and VIPs taken off their kernel ports and put back.
#include <utility>

#include "control/controller_state.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

std::string reals_text(const RealsUp& reals) {
  return std::to_string(reals.up) + " of " + std::to_string(reals.wanted) + " reals up, weight " +
         std::to_string(reals.weight_up);
}

}  // namespace

void Controller::State::tell_standing(const StandingChange& change) {
  const std::string subject = "service " + change.service;
  const auto index = live.find_service(change.service);
  if (!index) return;
  const Service& service = live.desired().services[*index];
  const std::string reals = reals_text(change.after.reals);
  const auto say = [&](const char* kind, bool is_bad, const std::string& text) {
    spdlog::log(is_bad ? spdlog::level::warn : spdlog::level::info, "{}: {}: {}", subject, kind, text);
    tell(kind, subject, text);
  };
  if (change.after.panics != change.before.panics) {
    say(change.after.panics ? "panic_began" : "panic_ended", change.after.panics,
        reals + (change.after.panics ? ", fewer than " + std::to_string(service.panic_threshold) + " %: all are used, down ones too"
                                     : ""));
  }
  const bool had = !change.before.is_judged || change.before.has_quorum;
  if (had == change.after.has_quorum) return;
  if (change.after.has_quorum) return say("quorum_reached", false, reals);
  const bool withdraws = service.quorum && service.quorum->on_loss == OnQuorumLoss::kWithdraw;
  say("quorum_lost", true, reals + (withdraws ? ": its VIPs are withdrawn" : ": no new connections for its reals but sorry ones"));
}

void Controller::State::follow_standings() {
  for (const StandingChange& change : live.take_standing_changes()) tell_standing(change);
  std::vector<IpAddress> now = live.withdrawn();
  if (now == withdrawn) return;
  withdrawn = std::move(now);
  if (options.hooks.withdrawn_changed) options.hooks.withdrawn_changed(live.desired(), withdrawn);
}

}  // namespace shunt::control
