// The desired state at work: every service and real of it with its slot and its health, told to the snapshot builder
// change by change. Owner: the controller's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/live_snat.h"
#include "control/model/desired_state.h"
#include "control/policy/inhibition.h"
#include "control/policy/override_file.h"
#include "control/policy/service_policy.h"
#include "control/policy/slow_start.h"
#include "control/report.h"
#include "control/service_edit.h"
#include "control/slots.h"
#include "control/snapshot_builder.h"
#include "src/base/result.h"

namespace shunt::control {

using SteadyTime = std::chrono::steady_clock::time_point;

struct HealthState {
  Health health = Health::kUnknown;
  WallClock::time_point since;
  std::string last_check;
  // How often it became so, after it was not.
  uint64_t went_up = 0;
  uint64_t went_down = 0;
};

// What goes with a Real of the desired state.
struct LiveReal {
  RealId id = dataplane::kNoReal;
  HealthState health;
  // What the operator said of it; nullptr: nothing.
  std::shared_ptr<const Override> override_of;
  // nullptr: it is not inhibited.
  std::shared_ptr<const Inhibition> inhibition;
  // While it is in its slow start: since when, and how far.
  std::optional<SteadyTime> came_up;
  uint32_t slow_start_step = kSlowStartSteps;
};

// What goes with a Service of the desired state.
struct LiveService {
  ServiceId id = dataplane::kNoService;
  // In the order of Service::reals.
  std::vector<LiveReal> reals;
  // nullptr: it takes every client.
  AccessTableRef access;
  // nullptr: it has none. The same as long as they are.
  LimitsRef limits;
  // By name, and by "ADDRESS:PORT" where no name is so.
  std::unordered_map<std::string, uint32_t> by_name;
  // The builder has not been told of its last change.
  bool stale = false;
  // As judged when the builder was told last.
  ServiceStanding standing;
};

// A service whose quorum or panic came or went.
struct StandingChange {
  std::string service;
  ServiceStanding before;
  ServiceStanding after;
};

// A real by its places in the desired state; valid until replace().
struct RealPlace {
  uint32_t service = 0;
  uint32_t real = 0;
  auto operator<=>(const RealPlace&) const = default;
};

class LiveState {
 public:
  // The machine's ports by name, with their DPDK ids.
  using Ports = std::unordered_map<std::string, uint16_t>;

  // `counters_of` reads a real slot's counters, `refused_of` a service slot's; none: they count nothing. `exhausted_of` reads
  // a place of Worker::snat_exhausted.
  LiveState(Slots& slots, SnapshotBuilder& builder, std::function<Traffic(RealId)> counters_of, Ports ports = {},
            std::function<Refused(ServiceId)> refused_of = {}, uint32_t workers = 1,
            std::function<uint64_t(uint32_t)> exhausted_of = [](uint32_t) { return uint64_t{0}; });

  const DesiredState& desired() const noexcept { return desired_; }
  const LiveService& live(uint32_t service) const { return live_[service]; }
  // In the order of DesiredState::snat.
  const std::vector<LiveSnatRule>& snat() const noexcept { return snat_.rules(); }
  const Service& service(RealPlace place) const { return desired_.services[place.service]; }
  const Real& real(RealPlace place) const { return service(place).reals[place.real]; }
  const LiveReal& live(RealPlace place) const { return live_[place.service].reals[place.real]; }

  // Whether the workers' tables can take `next`, slots of removed reals still being held.
  Result<void> fits(const DesiredState& next) const;
  // Makes `next` so. REQUIRES fits(next). Unchanged services are not touched. Overrides stay with their reals; returned are
  // those whose real is gone. A real that is added to a service that there is begins its slow start at `now`.
  std::vector<KeptOverride> replace(DesiredState next, SteadyTime now = std::chrono::steady_clock::now());

  // As replace(), of some services. REQUIRES fits() of them.
  std::vector<KeptOverride> edit(const ServiceEdit& edit, SteadyTime now = std::chrono::steady_clock::now());

  // nullopt: no such service.
  std::optional<uint32_t> find_service(const std::string& name) const;
  // `real` is its name or "ADDRESS:PORT". Errors: kNotFound, saying which of the two.
  Result<RealPlace> find_real(const std::string& service, const std::string& real) const;
  // Services in the order of their names.
  const std::vector<uint32_t>& by_name() const;

  // Empty: there is none any more.
  void set_override(RealPlace place, const Override& wanted);
  // As set_override(), for overrides read back from disk; returns those whose real there is not.
  std::vector<KeptOverride> restore(const std::vector<KeptOverride>& overrides);
  // Reals that have one, in the order of the desired state; valid until replace() and set_override().
  const std::vector<RealPlace>& overridden() const noexcept { return overridden_; }
  // All overrides, as they are kept.
  std::vector<KeptOverride> overrides() const;
  // Returns the health before.
  Health set_health(RealPlace place, Health health, const std::string& text);
  // Tells the builder of services whose reals changed; before each build. Once for all changes since the last time.
  void flush();

  // Configuration and override together; 0 while drained.
  uint32_t wanted_weight(RealPlace place) const {
    return control::wanted_weight(real(place).weight, live(place).override_of.get());
  }
  bool is_drained(RealPlace place) const {
    const auto& override_of = live(place).override_of;
    return override_of != nullptr && override_of->drain.has_value();
  }
  // As the schedulers see it.
  uint32_t effective_weight(RealPlace place) const;

  // Whether new connections may be given to it, its weight aside: health, quorum, panic.
  bool may_serve(RealPlace place) const;
  // By flush(): what changed of services' quorum and panic since the last call.
  std::vector<StandingChange> take_standing_changes();
  bool is_withdrawn(uint32_t service) const;
  // Addresses that are not to be on kernel ports; sorted.
  std::vector<IpAddress> withdrawn() const;
  // nullptr: not any more.
  void set_inhibition(RealPlace place, std::shared_ptr<const Inhibition> inhibition);
  // Services with a passive check; valid until replace() and edit().
  const std::vector<uint32_t>& watched() const noexcept { return watched_; }
  // Reals that are as `sorry` as this one.
  InhibitedShare inhibited_share(uint32_t service, bool sorry) const;
  // Of a real that came up.
  void begin_slow_start(RealPlace place, SteadyTime now);
  // True: some real's weight grew.
  bool advance_slow_starts(SteadyTime now);

 private:
  void sync_service(uint32_t index, const Service* before, bool affected, SteadyTime now);
  void sync_reals(const Service& service, const Service* before, LiveService& live, SteadyTime now);
  void follow_limits(const Service& service, const Service* before, LiveService& live) const;
  void note_weight(const LiveReal& live, const Real& real);
  void find_overridden();
  void find_starting();
  void find_watched();
  // An override, and by which object it is known again.
  struct Held {
    KeptOverride kept;
    std::shared_ptr<const Override> value;
  };
  std::vector<Held> held_overrides() const;
  // live_edits.cc
  bool takes_a_replace(const ServiceEdit& edit) const;
  std::vector<Held> held_by(const ServiceEdit& edit) const;
  void erase(const std::vector<std::string>& names);
  std::vector<KeptOverride> attach(std::vector<Held> held);
  void mark(uint32_t index);
  void compile(uint32_t index);
  void add_candidates(uint32_t index, ServiceInput& input) const;
  void judge_service(uint32_t index);
  uint32_t slow_start_factor_of(uint32_t index) const;
  MatchRule rule_of(const Service& service) const;
  bool update_pools(const DesiredState& next);
  void remove(const Service& service, const LiveService& live);

  Slots& slots_;
  SnapshotBuilder& builder_;
  const std::function<Traffic(RealId)> counters_of_;
  const Ports ports_;
  const std::function<Refused(ServiceId)> refused_of_;
  const uint32_t workers_;
  LiveSnat snat_;
  DesiredState desired_;
  // In the order of desired_.services.
  std::vector<LiveService> live_;
  std::vector<uint32_t> stale_;
  std::vector<RealPlace> overridden_;
  // In their slow start.
  std::vector<RealPlace> starting_;
  std::vector<uint32_t> watched_;
  std::vector<StandingChange> standing_changes_;
  std::unordered_map<std::string, uint32_t> services_by_name_;
  // A pool's addresses by family: services are given those of theirs.
  std::map<std::pair<std::string, AddressFamily>, AddressList> pools_;
  AccessTables access_tables_;
  // Made when asked for.
  mutable std::vector<uint32_t> sorted_;
};

}  // namespace shunt::control
