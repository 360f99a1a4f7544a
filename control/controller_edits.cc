// Changes of some services: each step looks at those alone.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "control/controller_state.h"
#include "control/diff.h"
#include "control/history/undo.h"
#include "control/service_edit.h"

namespace shunt::control {
namespace {

std::vector<std::string> names_in(const ServiceEdit& edit) {
  std::vector<std::string> names = edit.removed;
  for (const Service& service : edit.set) names.push_back(service.name);
  return names;
}

}  // namespace

PartOfState Controller::State::part(const std::vector<std::string>& names) const {
  const DesiredState& desired = live.desired();
  PartOfState part;
  part.revision = revision;
  part.services = desired.services.size();
  copy_all_but_services(desired, part.state);
  for (const std::string& name : names) {
    if (const auto place = live.find_service(name)) part.places.push_back(*place);
  }
  std::sort(part.places.begin(), part.places.end());
  part.places.erase(std::unique(part.places.begin(), part.places.end()), part.places.end());
  for (const uint32_t place : part.places) part.state.services.push_back(desired.services[place]);
  return part;
}

PartOfState Controller::State::near(const Neighbourhood& around, const std::vector<std::string>& names) const {
  const std::unordered_set<std::string> left_out(names.begin(), names.end());
  const auto& services = live.desired().services;
  PartOfState part;
  part.revision = revision;
  part.services = services.size();
  for (uint32_t i = 0; i < services.size(); ++i) {
    if (!is_near(services[i], around) || left_out.contains(services[i].name)) continue;
    part.places.push_back(i);
    part.state.services.push_back(services[i]);
  }
  return part;
}

Result<void> Controller::State::keep_edit(uint64_t next_revision, const ServiceEdit& edit) {
  if (journal.can_append()) {
    return note_kept(journal.append(next_revision, WallClock::now(), to_bytes(edit, options.codec)));
  }
  DesiredState whole = live.desired();
  make_edits({edit}, whole);
  return keep(next_revision, whole);
}

void Controller::State::edit(ServiceEdit wanted, uint64_t expected_revision, bool dry_run, ApplyDone done) {
  if (auto current = check_revision(expected_revision); !current) return done(current.error());
  const PartOfState before = part(names_in(wanted));
  DesiredState after = before.state;
  make_edits({wanted}, after);
  const std::vector<RealName> drained = take_drains(after);
  std::vector<Change> changes = differences(before.state, after);
  note_overrides(changes);
  add_drains(drained, changes);
  if (changes.empty()) return done(ApplyOutcome{revision, {}});
  if (auto fits = live.fits(after); !fits) return done(fits.error());
  if (dry_run) return done(ApplyOutcome{revision, std::move(changes)});

  Undo way_back = undo_of(before.state, after);
  way_back.order.clear();
  // Where they stood among all.
  if (!wanted.removed.empty()) {
    for (const Service& service : live.desired().services) way_back.order.push_back(service.name);
  }
  const bool weights_alone = differ_in_weights_alone(before.state.services, after.services);
  const ServiceEdit taken{std::move(wanted.removed), std::move(after.services)};
  remember(revision + 1, way_back, changes);
  if (auto kept = keep_edit(revision + 1, taken); !kept) {
    forget(revision + 1);
    return done(kept.error());
  }
  const std::vector<KeptOverride> lost = live.edit(taken);
  commit(changes);
  tell_lost(lost);
  drain_named(drained);
  follow_drains();
  if (!weights_alone && options.hooks.desired_changed) options.hooks.desired_changed(live.desired());
  publish_soon([done = std::move(done), outcome = ApplyOutcome{revision, std::move(changes)}] { done(outcome); });
}

}  // namespace shunt::control
