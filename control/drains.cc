// Drains as they go on: what they have left, what their deadlines do.
#include <unordered_set>
#include <utility>

#include "control/controller_state.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

std::string subject_of(const Service& service, const Real& real) { return "real " + service.name + "/" + real.name; }

}  // namespace

void Controller::State::follow_drains() {
  // Drains of reals that are gone are forgotten, new ones begin.
  std::unordered_set<uint32_t> drained;
  for (const RealPlace place : live.overridden()) {
    if (live.is_drained(place)) drained.insert(live.live(place).id.index);
  }
  std::erase_if(drains, [&drained](const auto& each) { return !drained.contains(each.first); });
  for (const RealPlace place : live.overridden()) follow_drain(place);
}

void Controller::State::follow_drain(RealPlace place) {
  const Service& service = live.service(place);
  const Real& real = live.real(place);
  const std::string subject = subject_of(service, real);
  const RealId id = live.live(place).id;
  const auto known = drains.find(id.index);
  if (!live.is_drained(place)) {
    if (known == drains.end()) return;
    if (!known->second.ended) tell("drain_ended", subject, "undone");
    drains.erase(known);
    return;
  }
  const auto now = WallClock::now();
  const Override& held = *live.live(place).override_of;
  const DrainOverride& wanted = *held.drain;
  if (known != drains.end() && known->second.deadline == wanted.deadline) return;
  const bool is_new = known == drains.end();
  Drain drain{wanted.deadline, {}};
  const uint64_t connections = meters.load_of(id).all();
  drain.progress.begin(connections, now);
  // What passed while the daemon was not there is over.
  drain.deadline_over = wanted.deadline && *wanted.deadline <= now;
  drains.insert_or_assign(id.index, std::move(drain));
  const std::string weight = std::to_string(undrained_weight(real.weight, &held));
  tell(is_new ? "drain_started" : "drain_progress", subject,
       (is_new ? "no new connections; weight was " + weight + "; " : std::string("another deadline; ")) +
           progress_text(connections, now, wanted));
}

void Controller::State::reach_deadline(RealPlace place, uint32_t id) {
  Drain& drain = drains.at(id);
  drain.deadline_over = true;
  const DrainOverride& wanted = *live.live(place).override_of->drain;
  const uint64_t connections = meters.load_of({id}).all();
  const std::string subject = subject_of(live.service(place), live.real(place));
  const std::string left = std::to_string(connections) + (connections == 1 ? " connection is" : " connections are") + " left";
  spdlog::info("{}: the drain's deadline: {}", subject, left);
  tell("drain_deadline", subject, left + (connections == 0 ? "" : ": " + std::string(consequence_of(wanted.then))));
  if (wanted.then == AtDeadline::kLeave || drain.ended) return;
  drain.cutting = true;
  // A persistent client would bring the real new ones.
  dataplane.forget_templates(std::vector<RealId>{{id}});
  publish_soon();
}

void Controller::State::end_drains() {
  const auto now = WallClock::now();
  for (const RealPlace place : live.overridden()) {
    if (!live.is_drained(place)) continue;
    const uint32_t id = live.live(place).id.index;
    const auto known = drains.find(id);
    if (known == drains.end()) continue;
    Drain& drain = known->second;
    const DrainOverride& wanted = *live.live(place).override_of->drain;
    if (wanted.deadline && *wanted.deadline <= now && !drain.deadline_over) reach_deadline(place, id);
    if (drain.ended || publish_pending) continue;
    const uint64_t connections = meters.load_of({id}).all();
    const std::string subject = subject_of(live.service(place), live.real(place));
    if (connections > 0) {
      if (drain.progress.note(connections, now, wanted)) {
        tell("drain_progress", subject, progress_text(connections, now, wanted));
      }
      continue;
    }
    drain.ended = true;
    tell("drain_ended", subject, "no connections left");
    if (std::exchange(drain.cutting, false)) publish_soon();
  }
}

std::vector<RealId> Controller::State::expired_reals() const {
  std::vector<RealId> reals;
  const bool expires_all = live.desired().sysctls.expire_nodest_conn;
  for (const RealId id : slots.removed_reals()) {
    // Nobody answers for the addresses of a removed rule of snat.
    if (expires_all || slots.real(id).key.method == Method::kSnat) reals.push_back(id);
  }
  for (const auto& [id, drain] : drains) {
    if (drain.cutting) reals.push_back({id});
  }
  return reals;
}

}  // namespace shunt::control
