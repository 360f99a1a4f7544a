// How the desired state, the kernel's view and health change, and how the workers get to see it.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "control/controller_state.h"
#include "control/diff.h"
#include "control/history/undo.h"
#include "control/identity.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

// Changes that come closer together than this share a snapshot.
constexpr auto kPublishInterval = std::chrono::milliseconds(5);

std::string subject_of(const Service& service, const Real& real) { return "real " + service.name + "/" + real.name; }

// "2 changes: service web, real web/10.0.0.1:80"
std::string summary_of(const std::vector<Change>& changes) {
  constexpr size_t kShown = 5;
  std::string text = std::to_string(changes.size()) + (changes.size() == 1 ? " change: " : " changes: ");
  for (size_t i = 0; i < std::min(changes.size(), kShown); ++i) text += (i == 0 ? "" : ", ") + changes[i].subject;
  return changes.size() > kShown ? text + ", ..." : text;
}

std::string slow_start_text(const Service& service) {
  if (service.slow_start.count() == 0) return "";
  return "; its weight grows for " + std::to_string(service.slow_start.count() / 1000) + "s";
}

// Link-local ones, too: Linux's neighbours talk to them.
std::vector<IpAddress> own_addresses(const KernelView& view) {
  std::vector<IpAddress> addresses;
  for (const KernelLink& link : view.links) {
    for (const InterfaceAddress& each : link.addresses) addresses.push_back(each.address);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

}  // namespace

std::vector<RealName> take_drains(DesiredState& state) {
  std::vector<RealName> drained;
  for (Service& service : state.services) {
    for (Real& real : service.reals) {
      if (!real.weight_before_drain) continue;
      real.weight = *std::exchange(real.weight_before_drain, std::nullopt);
      drained.push_back({service.name, real.name});
    }
  }
  return drained;
}

Result<void> Controller::State::check_revision(uint64_t expected) const {
  if (expected == 0 || expected == revision) return {};
  return Error{ErrorCode::kConflict, "revision " + std::to_string(expected) + ": the current one is " +
                                         std::to_string(revision) +
                                         ", somebody changed the state; get it again and redo the change"};
}

Result<void> Controller::State::keep(uint64_t next_revision, const DesiredState& state) {
  return note_kept(journal.write({next_revision, file_hash, WallClock::now(), options.codec.encode(state), {}}));
}

Result<void> Controller::State::note_kept(Result<void> written) {
  if (written) {
    if (outside_problems.erase("journal") > 0) tell("journal", "journal", "written again");
    return written;
  }
  spdlog::error("{}", written.error().message);
  if (outside_problems.emplace("journal", written.error().message).second) {
    tell("journal", "journal", written.error().message);
  }
  return written;
}

void Controller::State::commit(const std::vector<Change>& changes) {
  ++revision;
  applied = WallClock::now();
  const std::string text = summary_of(changes);
  spdlog::info("revision {}: {}", revision, text);
  tell("applied", "revision " + std::to_string(revision), text);
  remember_override(changes);
}

void Controller::State::apply(DesiredState state, uint64_t expected_revision, bool dry_run, ApplyDone done) {
  if (auto current = check_revision(expected_revision); !current) return done(current.error());
  const std::vector<RealName> drained = take_drains(state);
  std::vector<Change> changes = differences(live.desired(), state);
  note_overrides(changes);
  add_drains(drained, changes);
  if (changes.empty()) return done(ApplyOutcome{revision, {}});
  if (auto fits = live.fits(state); !fits) return done(fits.error());
  if (dry_run) return done(ApplyOutcome{revision, std::move(changes)});
  remember(revision + 1, undo_of(live.desired(), state), changes);
  if (auto kept = keep(revision + 1, state); !kept) {
    forget(revision + 1);
    return done(kept.error());
  }

  const std::vector<KeptOverride> lost = live.replace(std::move(state));
  commit(changes);
  tell_lost(lost);
  drain_named(drained);
  follow_drains();
  const DesiredState& desired = live.desired();
  if (options.hooks.desired_changed) options.hooks.desired_changed(desired);
  publish_soon([done = std::move(done), outcome = ApplyOutcome{revision, std::move(changes)}] { done(outcome); });
}

void Controller::State::reload(FileState file, ApplyDone done) {
  const uint64_t hash_before = std::exchange(file_hash, file.content_hash);
  if (file_hash != hash_before && differences(live.desired(), file.state).empty()) {
    if (auto kept = keep(revision, file.state); !kept) {
      file_hash = hash_before;
      return done(kept.error());
    }
  }
  apply(std::move(file.state), 0, false, [this, hash_before, done = std::move(done)](Result<ApplyOutcome> outcome) {
    if (!outcome) file_hash = hash_before;
    done(std::move(outcome));
  });
}

ApplyDone Controller::State::noted(ApplyDone done) {
  return [this, done = std::move(done)](Result<ApplyOutcome> outcome) {
    // Whoever was overtaken by another change asks again; the configuration is not to blame.
    if (outcome || outcome.error().code != ErrorCode::kConflict) {
      last_apply_succeeded = static_cast<bool>(outcome);
      last_apply = WallClock::now();
    }
    done(std::move(outcome));
  };
}

void Controller::State::take_health(const std::string& service, const std::string& real, Health health,
                                    const std::string& text) {
  const auto place = live.find_real(service, real);
  // A check that ended after its real was removed or its checks were switched off.
  if (!place || !live.service(*place).health_check.enabled || health == Health::kUnchecked) return;
  const Health before = live.set_health(*place, health, text);
  const bool was_down = before == Health::kDown;
  if (health == Health::kDown && !was_down) {
    spdlog::warn("{}: down: {}", subject_of(live.service(*place), live.real(*place)), text);
    tell("real_down", subject_of(live.service(*place), live.real(*place)), text);
  }
  if (health == Health::kUp && before != Health::kUp) {
    const std::string grows = was_down ? slow_start_text(live.service(*place)) : "";
    spdlog::info("{}: up: {}{}", subject_of(live.service(*place), live.real(*place)), text, grows);
    tell("real_up", subject_of(live.service(*place), live.real(*place)), text + grows);
    if (was_down) live.begin_slow_start(*place, Clock::now());
  }
  if (was_down != (health == Health::kDown)) publish_soon();
}

void Controller::State::take_kernel_view(const KernelView& view) {
  for (auto& link : links) link.kernel = true;
  for (const KernelLink& link : view.links) {
    if (link.port < links.size()) links[link.port].kernel = link.up;
  }
  read_links();
  builder.set_own_addresses(own_addresses(view));
  const auto before = next_hops.tables();
  const size_t left_out_before = next_hops.left_out();
  if (next_hops.update(view)) {
    builder.set_next_hops(next_hops.tables());
    tell_neighbours(*before, *next_hops.tables());
  }
  if (next_hops.left_out() > left_out_before) {
    spdlog::error("neighbours: {} have no place in the table of {}; use fewer, larger gateways",
                  next_hops.left_out(), dataplane::kMaxNextHops);
  }
  publish_soon();
}

void Controller::State::tell_neighbours(const NextHopTables& before, const NextHopTables& after) {
  std::unordered_set<NeighbourKey, NeighbourKeyHash> of_reals;
  for (uint32_t i = 0; i < slots.real_slots(); ++i) {
    if (!slots.real({i}).used) continue;
    const dataplane::Route route = builder.route_to({i});
    if (route.kind != dataplane::Route::Kind::kNoRoute) of_reals.insert({route.port, route.neighbour});
  }
  for (size_t i = 0; i < after.hops.size(); ++i) {
    const dataplane::NextHop& now = after.hops[i];
    const bool was_resolved = i < before.hops.size() && before.hops[i].resolved;
    const bool is_new_mac = was_resolved && now.resolved && before.hops[i].destination_mac != now.destination_mac;
    if ((now.resolved == was_resolved && !is_new_mac) || !of_reals.contains({now.port, now.address})) continue;
    tell("neighbour", now.address.to_string(),
         now.resolved ? "is " + now.destination_mac.to_string() + " on " + port_name(now.port)
                      : "unresolved on " + port_name(now.port));
  }
}

void Controller::State::publish_soon(std::function<void()> published) {
  if (published) after_publish.push_back(std::move(published));
  if (std::exchange(publish_pending, true)) return;
  publish_timer.expires_at(std::max(Clock::now(), last_publish + kPublishInterval));
  publish_timer.async_wait([this](const asio::error_code& error) {
    if (!error) publish_now();
  });
}

void Controller::State::publish_now() {
  publish_pending = false;
  live.flush();
  follow_standings();
  builder.set_expired(expired_reals());
  if (builder.is_dirty()) {
    dataplane.publish(builder.build());
    last_publish = Clock::now();
  }
  for (const auto& published : std::exchange(after_publish, {})) published();
}

}  // namespace shunt::control
