// What operators say of single reals beside the configuration: kept on disk, put before the configured weights, ended when
// their time is over.
#include <algorithm>
#include <utility>

#include "control/controller_state.h"
#include "control/diff.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

std::string subject_of(const Service& service, const Real& real) { return "real " + service.name + "/" + real.name; }

// "weight: 5 -> 0", "draining: no -> yes"; what these do not say, as "override: weight 5 -> weight 5 until ...".
Change change_of(const Service& service, const Real& real, const Override& before, const Override& after) {
  Change change{Change::Kind::kChanged, subject_of(service, real), {}};
  const uint32_t old_weight = wanted_weight(real.weight, &before);
  const uint32_t weight = wanted_weight(real.weight, &after);
  if (old_weight != weight) {
    change.details.push_back("weight: " + std::to_string(old_weight) + " -> " + std::to_string(weight));
  }
  const auto yes_or_no = [](bool value) { return std::string(value ? "yes" : "no"); };
  if (before.drain.has_value() != after.drain.has_value()) {
    change.details.push_back("draining: " + yes_or_no(before.drain.has_value()) + " -> " +
                             yes_or_no(after.drain.has_value()));
  }
  const auto has_time = [](const Override& value) {
    return (value.weight && value.weight->until) || (value.drain && (value.drain->until || value.drain->deadline));
  };
  if (change.details.empty() || has_time(before) || has_time(after)) {
    change.details.push_back("override: " + text_of(before) + " -> " + text_of(after));
  }
  return change;
}

}  // namespace

Result<void> Controller::State::set_override(RealPlace place, const Override& after) {
  const auto before = live.live(place).override_of;
  live.set_override(place, after);
  const auto written = override_file.write({revision + 1, live.overrides()});
  if (written) {
    if (outside_problems.erase("overrides") > 0) tell("journal", "overrides", "written again");
    return written;
  }
  live.set_override(place, before ? *before : Override{});
  spdlog::error("{}", written.error().message);
  if (outside_problems.emplace("overrides", written.error().message).second) {
    tell("journal", "overrides", written.error().message);
  }
  return written;
}

void Controller::State::override_real(const std::string& service, const std::string& real, uint64_t expected_revision,
                                      const OverrideEdit& edit, ApplyDone done) {
  if (auto current = check_revision(expected_revision); !current) return done(current.error());
  const auto place = live.find_real(service, real);
  if (!place) return done(place.error());
  const auto& held = live.live(*place).override_of;
  const Override before = held ? *held : Override{};
  const auto after = edit(*place, before);
  if (!after) return done(after.error());
  if (*after == before) return done(ApplyOutcome{revision, {}});
  const std::vector<Change> changes = {change_of(live.service(*place), live.real(*place), before, *after)};
  if (auto kept = set_override(*place, *after); !kept) return done(kept.error());
  commit(changes);
  follow_drain(*place);
  publish_soon([done = std::move(done), outcome = ApplyOutcome{revision, changes}] { done(outcome); });
}

Result<KeptOverrides> Controller::State::load_overrides() {
  auto kept = override_file.load();
  if (kept || kept.error().code != ErrorCode::kInvalid) return kept;
  spdlog::error("{}", kept.error().message);
  outside_problems.emplace("damaged overrides", kept.error().message);
  tell("journal", "overrides", kept.error().message);
  // Each change of one is in the history, too.
  return KeptOverrides{history ? history->newest() : 0, {}};
}

void Controller::State::restore_overrides(KeptOverrides kept) {
  const auto now = WallClock::now();
  std::erase_if(kept.list, [now](KeptOverride& each) {
    each.value = still_valid(std::move(each.value), now);
    return each.value.is_empty();
  });
  tell_lost(live.restore(kept.list));
  if (!live.overridden().empty()) spdlog::info("overrides: {} are in force", live.overridden().size());
}

void Controller::State::tell_lost(const std::vector<KeptOverride>& lost) {
  if (lost.empty()) return;
  for (const KeptOverride& each : lost) {
    const std::string subject = "real " + each.service + "/" + each.real;
    spdlog::info("{}: its override is gone with it: {}", subject, text_of(each.value));
    tell("override_lost", subject, "gone with its real: " + text_of(each.value));
  }
  // The next start finds no real for those that could not be taken out of the file, and tells it again.
  if (auto written = override_file.write({revision, live.overrides()}); !written) {
    spdlog::error("{}", written.error().message);
  }
}

void Controller::State::note_overrides(std::vector<Change>& changes) const {
  if (live.overridden().empty() || changes.empty()) return;
  std::unordered_map<std::string, const Override*> held;
  for (const RealPlace place : live.overridden()) {
    held.emplace(subject_of(live.service(place), live.real(place)), live.live(place).override_of.get());
  }
  for (Change& change : changes) {
    const auto found = held.find(change.subject);
    if (found == held.end() || change.kind != Change::Kind::kChanged) continue;
    change.details.push_back("its override stays in force: " + text_of(*found->second));
  }
}

bool Controller::State::is_drained(const RealName& name) const {
  const auto place = live.find_real(name.service, name.real);
  return place && live.is_drained(*place);
}

void Controller::State::add_drains(const std::vector<RealName>& drained, std::vector<Change>& changes) const {
  for (const RealName& each : drained) {
    if (is_drained(each)) continue;
    changes.push_back({Change::Kind::kChanged, "real " + each.service + "/" + each.real, {"draining: no -> yes"}});
  }
}

void Controller::State::drain_named(const std::vector<RealName>& drained) {
  for (const RealName& each : drained) {
    const auto place = live.find_real(each.service, each.real);
    if (!place || live.is_drained(*place)) continue;
    const auto& held = live.live(*place).override_of;
    Override after = held ? *held : Override{};
    after.drain = DrainOverride{WallClock::now(), {}, "the desired state's weight_before_drain", {}, AtDeadline::kLeave};
    // What cannot be kept is told as a problem, and drained all the same.
    if (!set_override(*place, after)) live.set_override(*place, after);
  }
}

std::vector<OverrideReport> Controller::State::override_reports() const {
  std::vector<OverrideReport> reports;
  for (const RealPlace place : live.overridden()) {
    const Real& real = live.real(place);
    reports.push_back({live.service(place).name, real.name, real.address, real.port, real.weight,
                       *live.live(place).override_of, meters.load_of(live.live(place).id).all()});
  }
  return reports;
}

void Controller::State::end_overrides(WallClock::time_point now) {
  // A copy: those that end leave the list.
  const std::vector<RealPlace> places = live.overridden();
  for (const RealPlace place : places) {
    const Override before = *live.live(place).override_of;
    const Override after = still_valid(before, now);
    if (after == before) continue;
    const Change change = change_of(live.service(place), live.real(place), before, after);
    // One that cannot be taken off the disk is over all the same: a restart sees that its time has passed.
    if (!set_override(place, after)) live.set_override(place, after);
    tell("override_expired", change.subject, text_of(before) + " is over; weight " + std::to_string(live.wanted_weight(place)));
    commit({change});
    follow_drain(place);
    publish_soon();
  }
}

}  // namespace shunt::control
