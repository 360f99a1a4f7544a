// The controller's start and end, and the way from its callers' threads to the loop.
#include "control/controller.h"

#include <asio/post.hpp>
#include <utility>

#include "control/controller_state.h"
#include "control/diff.h"
#include "control/loop_call.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

constexpr size_t kEventsKept = 4096;

std::unordered_map<std::string, uint16_t> port_ids(const dataplane::Dataplane& dataplane) {
  std::unordered_map<std::string, uint16_t> ids;
  for (const auto& port : dataplane.ports()) ids.emplace(port.name, port.id);
  return ids;
}

std::vector<NextHopPort> next_hop_ports(const dataplane::Dataplane& dataplane, const Machine& machine) {
  std::vector<NextHopPort> ports;
  for (const auto& info : dataplane.ports()) {
    NextHopPort& port = ports.emplace_back();
    port.id = info.id;
    port.mac = info.mac;
    port.mtu = info.mtu;
    for (const Port& configured : machine.ports) {
      if (configured.name == info.name) port.addresses = configured.kernel_port.addresses;
    }
  }
  return ports;
}

StaticNextHops static_next_hops(const dataplane::Dataplane& dataplane, const Machine& machine) {
  const auto ids = port_ids(dataplane);
  StaticNextHops result;
  for (const StaticNeighbour& each : machine.neighbours) {
    if (const auto id = ids.find(each.port); id != ids.end()) {
      result.neighbours.push_back({id->second, each.address, each.mac});
    }
  }
  for (const StaticRoute& each : machine.routes) {
    if (const auto id = ids.find(each.port); id != ids.end()) {
      result.routes.push_back({each.prefix, id->second, each.via, 0, {}});
    }
  }
  return result;
}

std::optional<WallClock::time_point> end_of(std::optional<Milliseconds> time, WallClock::time_point now) {
  return time ? std::optional(std::chrono::floor<Milliseconds>(now + *time)) : std::nullopt;
}

// What changes while it lives is of the cause.
class ActiveCause {
 public:
  ActiveCause(Cause& active, Cause cause) : active_(active), before_(std::exchange(active, std::move(cause))) {}
  ~ActiveCause() { active_ = std::move(before_); }
  ActiveCause(const ActiveCause&) = delete;
  ActiveCause& operator=(const ActiveCause&) = delete;

 private:
  Cause& active_;
  Cause before_;
};

template <typename T, typename State, typename Work>
Result<T> call(State& state, Work work, std::optional<Milliseconds> limit = {}) {
  return call_on_loop<T>(
      state,
      [&state, cause = cause_of_this_thread(), work = std::move(work)](auto done) mutable {
        const ActiveCause active(state.cause, std::move(cause));
        work(std::move(done));
      },
      limit);
}

template <typename State, typename Work>
void post(State& state, Work work) {
  const std::lock_guard lock(state.stop_mutex);
  if (!state.stopping) asio::post(state.loop, std::move(work));
}

}  // namespace

Controller::State::State(dataplane::Dataplane& running, ControllerOptions wanted, Journal opened)
    : dataplane(running),
      options(std::move(wanted)),
      events(kEventsKept),
      journal(std::move(opened)),
      override_file(options.machine.journal_directory),
      meters(running),
      live(slots, builder, [this](RealId id) { return meters.traffic_of(id); }, port_ids(running),
           [this](ServiceId id) { return meters.refused_of(id); }, static_cast<uint32_t>(running.workers().size()),
           [&running](uint32_t counter) { return running.snat_exhausted(counter); }),
      next_hops(next_hop_ports(running, options.machine), static_next_hops(running, options.machine)),
      resolver(options.hooks.resolve) {}

// The state that the entry holds, its edits made.
Result<DesiredState> Controller::State::decode(const JournalEntry& entry) const {
  auto state = options.codec.decode(entry.state);
  if (!state) return state;
  if (entry.edits.empty()) return state;
  std::vector<ServiceEdit> edits;
  for (const std::string& bytes : entry.edits) {
    auto edit = edit_in(bytes, options.codec);
    if (!edit) return edit.error();
    edits.push_back(std::move(*edit));
  }
  make_edits(edits, *state);
  // Whether all of it together fits this machine.
  return options.codec.decode(options.codec.encode(*state));
}

Result<void> Controller::State::restore() {
  open_history();
  auto entry = journal.load();
  std::optional<DesiredState> kept;
  std::string damage;
  if (!entry) {
    if (entry.error().code != ErrorCode::kInvalid) return entry.error();
    damage = entry.error().message;
  } else if (*entry) {
    auto decoded = decode(**entry);
    if (decoded) {
      kept = std::move(*decoded);
    } else {
      const auto aside = journal.set_aside();
      if (!aside) return aside.error();
      damage = "journal: " + decoded.error().message + "; it was kept as " + *aside;
    }
    revision = (*entry)->revision;
  }
  if (!damage.empty()) {
    spdlog::error("{}", damage);
    outside_problems.emplace("damaged journal", damage);
    tell("journal", "journal", damage);
    // Revisions go on; how the state was before the next one, nobody knows.
    if (history) revision = std::max(revision, history->newest());
  } else if (history) {
    history->begin(revision);
  }
  // Overrides have revisions of their own, which the journal does not know: what the file brings comes after them.
  auto overridden = load_overrides();
  if (!overridden) return overridden.error();
  revision = std::max(revision, overridden->revision);

  const bool file_wins = !kept || (*entry)->file_hash != options.file.content_hash;
  DesiredState state = file_wins ? options.file.state : *kept;
  const std::vector<RealName> drained = take_drains(state);
  if (kept) take_drains(*kept);
  if (auto fits = live.fits(state); !fits) return fits;
  const char* source = file_wins ? "the configuration file" : "the journal";
  spdlog::info("services are those of {} ({})", source,
               !kept         ? "there is no journal"
               : file_wins ? "it changed since the journal was written"
                           : "the configuration file did not change since");
  file_hash = options.file.content_hash;
  if (file_wins) {
    const DesiredState before = kept ? *kept : DesiredState{};
    const std::vector<Change> changes = differences(before, state);
    if (!kept || !changes.empty()) {
      const ActiveCause active(cause, {Origin::kFile, "", "start"});
      remember(++revision, undo_of(before, state), changes);
    }
  }
  if (file_wins || !drained.empty()) {
    if (auto written = keep(revision, state); !written) return written;
  }
  live.replace(state);
  applied = file_wins ? started : (*entry)->time;
  restore_overrides(std::move(*overridden));
  drain_named(drained);
  events.begin_with(revision);
  tell("applied", "revision " + std::to_string(revision), std::string("restored from ") + source);
  follow_drains();
  return {};
}

void Controller::State::run_loop() {
  for (;;) {
    try {
      loop.run();
      return;
    } catch (const std::exception& error) {
      spdlog::critical("controller: a handler failed: {}; please report this", error.what());
    }
  }
}

void Controller::State::stop() {
  {
    const std::lock_guard lock(stop_mutex);
    if (std::exchange(stopping, true)) return;
    // Behind all that was posted before, so that no caller is left waiting.
    asio::post(loop, [this] {
      publish_now();
      loop.stop();
    });
  }
  thread.join();
  events.close();
}

void Controller::State::tell(std::string kind, std::string subject, std::string text) {
  Event event;
  event.kind = std::move(kind);
  event.subject = std::move(subject);
  event.text = std::move(text);
  event.revision = revision;
  events.append(std::move(event));
}

std::string Controller::State::port_name(uint16_t port) const {
  for (const auto& info : dataplane.ports()) {
    if (info.id == port) return info.name;
  }
  return std::to_string(port);
}

Result<std::unique_ptr<Controller>> Controller::start(dataplane::Dataplane& dataplane, ControllerOptions options) {
  auto journal = Journal::open(options.machine.journal_directory);
  if (!journal) return journal.error();
  auto state = std::make_unique<State>(dataplane, std::move(options), std::move(*journal));
  if (auto restored = state->restore(); !restored) return restored.error();
  if (state->next_hops.update({})) state->builder.set_next_hops(state->next_hops.tables());
  state->read_links();
  state->publish_now();
  asio::post(state->loop, [raw = state.get()] {
    if (raw->options.hooks.desired_changed) raw->options.hooks.desired_changed(raw->live.desired());
    raw->start_upkeep();
  });
  state->thread = std::thread([raw = state.get()] { raw->run_loop(); });
  return std::unique_ptr<Controller>(new Controller(std::move(state)));
}

Controller::Controller(std::unique_ptr<State> state) : state_(std::move(state)) {}
Controller::~Controller() { stop(); }
void Controller::stop() { state_->stop(); }
asio::io_context& Controller::loop() noexcept { return state_->loop; }
EventRing& Controller::events() noexcept { return state_->events; }

Result<ApplyOutcome> Controller::apply(DesiredState state, uint64_t expected_revision, bool dry_run) {
  return call<ApplyOutcome>(*state_, [=, this, state = std::move(state)](ApplyDone done) mutable {
    state_->apply(std::move(state), expected_revision, dry_run, dry_run ? std::move(done) : state_->noted(std::move(done)));
  });
}

Result<ApplyOutcome> Controller::edit(ServiceEdit edit, uint64_t expected_revision, bool dry_run) {
  return call<ApplyOutcome>(*state_, [=, this, edit = std::move(edit)](ApplyDone done) mutable {
    state_->edit(std::move(edit), expected_revision, dry_run, dry_run ? std::move(done) : state_->noted(std::move(done)));
  });
}

Result<PartOfState> Controller::part(std::vector<std::string> names) {
  return call<PartOfState>(*state_, [this, names = std::move(names)](auto done) { done(state_->part(names)); });
}

Result<PartOfState> Controller::near(Neighbourhood around, std::vector<std::string> names) {
  return call<PartOfState>(*state_, [this, around = std::move(around), names = std::move(names)](auto done) {
    done(state_->near(around, names));
  });
}

Result<ApplyOutcome> Controller::reload(FileState file) {
  return call<ApplyOutcome>(*state_, [this, file = std::move(file)](ApplyDone done) mutable {
    state_->reload(std::move(file), state_->noted(std::move(done)));
  });
}

Result<ApplyOutcome> Controller::set_weight(const std::string& service, const std::string& real, uint32_t weight,
                                            uint64_t expected_revision, const OverrideTerms& terms) {
  if (weight > UINT16_MAX) {
    return Error{ErrorCode::kInvalid, "weight: " + std::to_string(weight) + " exceeds 65535; lower it"};
  }
  const auto weighed = [=](RealPlace, const Override& before) -> Result<Override> {
    // As it is kept.
    const WallClock::time_point now = std::chrono::floor<Milliseconds>(WallClock::now());
    const WeightOverride wanted{weight, now, end_of(terms.lasts, now), terms.by};
    const bool is_same = before.weight && before.weight->weight == weight && before.weight->until == wanted.until;
    return Override{is_same ? before.weight : wanted, {}};
  };
  return call<ApplyOutcome>(*state_, [=, this](ApplyDone done) {
    state_->override_real(service, real, expected_revision, weighed, std::move(done));
  });
}

Result<ApplyOutcome> Controller::drain(const std::string& service, const std::string& real, uint64_t expected_revision,
                                       const DrainTerms& terms) {
  const auto drained = [=](RealPlace, const Override& before) -> Result<Override> {
    // As it is kept.
    const WallClock::time_point now = std::chrono::floor<Milliseconds>(WallClock::now());
    Override after = before;
    if (!after.drain) after.drain = DrainOverride{now, {}, terms.by, {}, AtDeadline::kLeave};
    // Asked again, only what is given changes.
    if (terms.lasts) after.drain->until = end_of(terms.lasts, now);
    if (terms.deadline) {
      after.drain->deadline = end_of(terms.deadline, now);
      after.drain->then = terms.then;
    }
    return after;
  };
  return call<ApplyOutcome>(*state_, [=, this](ApplyDone done) {
    state_->override_real(service, real, expected_revision, drained, std::move(done));
  });
}

Result<ApplyOutcome> Controller::undo_drain(const std::string& service, const std::string& real,
                                            uint64_t expected_revision) {
  const auto restored = [this, service](RealPlace place, const Override& before) -> Result<Override> {
    if (before.drain) return Override{before.weight, {}};
    return Error{ErrorCode::kInvalid, "real " + service + "/" + state_->live.real(place).name +
                                          ": it is not drained; set its weight instead"};
  };
  return call<ApplyOutcome>(*state_, [=, this](ApplyDone done) {
    state_->override_real(service, real, expected_revision, restored, std::move(done));
  });
}

Result<ApplyOutcome> Controller::clear_override(const std::string& service, const std::string& real,
                                                uint64_t expected_revision) {
  return call<ApplyOutcome>(*state_, [=, this](ApplyDone done) {
    state_->override_real(service, real, expected_revision,
                          [](RealPlace, const Override&) -> Result<Override> { return Override{}; }, std::move(done));
  });
}

Result<std::vector<OverrideReport>> Controller::overrides() {
  return call<std::vector<OverrideReport>>(*state_, [this](auto done) { done(state_->override_reports()); });
}

Result<CurrentState> Controller::get() {
  return call<CurrentState>(*state_,
                            [this](auto done) { done(CurrentState{state_->revision, state_->live.desired(), state_->events.position()}); });
}

Result<StatusReport> Controller::status() {
  return call<StatusReport>(*state_, [this](auto done) { done(state_->status()); });
}

Result<ServicePage> Controller::list_services(const ServiceQuery& query, std::optional<Milliseconds> limit) {
  return call<ServicePage>(*state_, [=, this](auto done) { done(state_->services(query)); }, limit);
}

Result<Overview> Controller::overview(Milliseconds limit) {
  return call<Overview>(*state_, [this](auto done) { done(state_->overview()); }, limit);
}

Result<FoundServices> Controller::find_services(const ServiceSearch& search, Milliseconds limit) {
  return call<FoundServices>(*state_, [=, this](auto done) { done(state_->find_services(search)); }, limit);
}

Result<std::vector<WorkerState>> Controller::workers() {
  return call<std::vector<WorkerState>>(*state_, [this](auto done) { done(state_->worker_states()); });
}

Result<std::vector<PortState>> Controller::ports() {
  return call<std::vector<PortState>>(*state_, [this](auto done) { done(state_->port_states()); });
}

Result<std::vector<DropState>> Controller::drops() {
  return call<std::vector<DropState>>(*state_, [this](auto done) { done(state_->drop_states()); });
}

Result<std::vector<SnatState>> Controller::snat_rules() {
  return call<std::vector<SnatState>>(*state_, [this](auto done) { done(state_->snat_states()); });
}

Result<void> Controller::connections(const ConnectionFilter& filter,
                                     const std::function<bool(const ConnectionReport&)>& sink) {
  const auto query = call<ConnectionQuery>(
      *state_, [=, this](auto done) { done(state_->connection_query(filter)); });
  if (!query) return query.error();
  uint32_t count = 0;
  bool goes_on = true;
  state_->dataplane.for_each_connection([&](const dataplane::ConnectionCopy& copy) {
    const auto report = report_of(*query, copy);
    if (!report) return true;
    goes_on = sink(*report) && ++count != filter.limit;
    return goes_on;
  });
  if (!goes_on) return {};
  std::vector<dataplane::TemplateCopy> copies;
  state_->dataplane.for_each_template([&](const dataplane::TemplateCopy& copy) {
    if (matches(*query, copy)) copies.push_back(copy);
    return true;
  });
  if (copies.empty()) return {};
  const auto reports = call<std::vector<ConnectionReport>>(
      *state_, [&, this](auto done) { done(state_->reports_of(copies)); });
  if (!reports) return reports.error();
  for (const ConnectionReport& report : *reports) {
    if (!sink(report) || ++count == filter.limit) break;
  }
  return {};
}

Result<ExplainReport> Controller::explain(const ExplainQuery& query) {
  const auto port = call<uint16_t>(*state_, [=, this](auto done) { done(state_->ingress_of(query)); });
  if (!port) return port.error();
  const auto protocol = static_cast<uint8_t>(query.protocol);
  const dataplane::IpFlow flow{query.client, query.address, Be16::from_host(query.client_port),
                               Be16::from_host(query.port), protocol};
  const auto told = state_->dataplane.explain(flow, *port);
  return call<ExplainReport>(*state_, [&, this](auto done) { done(state_->explain(query, told)); });
}

void Controller::on_kernel_view(KernelView view) {
  post(*state_, [this, view = std::move(view)] { state_->take_kernel_view(view); });
}

void Controller::on_health(const std::string& service, const std::string& real, Health health,
                           const std::string& text) {
  post(*state_, [=, this] { state_->take_health(service, real, health, text); });
}

void Controller::set_problem(const std::string& source, const std::string& text) {
  post(*state_, [=, this] {
    if (text.empty()) state_->outside_problems.erase(source);
    else state_->outside_problems[source] = text;
  });
}

void Controller::note_refused_apply() {
  post(*state_, [this] {
    state_->last_apply_succeeded = false;
    state_->last_apply = WallClock::now();
  });
}

}  // namespace shunt::control
