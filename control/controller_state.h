// What the controller's thread owns. Only the files of Controller include this. Every member function runs on the
// loop's thread unless it says otherwise.
#pragma once

#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "control/controller.h"
#include "control/debug/explain_report.h"
#include "control/debug/watch_report.h"
#include "control/history/history.h"
#include "control/history/undo.h"
#include "control/journal.h"
#include "control/lateness.h"
#include "control/live_state.h"
#include "control/meters.h"
#include "control/next_hop_table.h"
#include "control/path_mtus.h"
#include "control/policy/drain.h"
#include "control/policy/inhibition.h"
#include "control/policy/override_file.h"
#include "control/port_losses.h"
#include "control/resolve_schedule.h"
#include "control/slots.h"
#include "control/snapshot_builder.h"
#include "dataplane/frame_flow.h"

namespace shunt::control {

using ApplyDone = std::function<void(Result<ApplyOutcome>)>;
using Clock = std::chrono::steady_clock;

struct RealName {
  std::string service;
  std::string real;
};
// Gives drained reals of a state their weights back; returns which they were.
std::vector<RealName> take_drains(DesiredState& state);

// Whose connections are asked for, by ids, with what a report needs beside a connection. Made on the loop, used by
// any thread.
struct ConnectionQuery {
  std::optional<ServiceId> service;
  // By RealId; unset: all.
  std::optional<std::vector<bool>> reals;
  std::optional<IpAddress> client;
  // By ServiceId.
  std::shared_ptr<const std::vector<std::string>> service_names;
  // By RealId: those of the other family than their service's, whose addresses connections cannot hold.
  std::shared_ptr<const std::unordered_map<uint32_t, IpAddress>> far_reals;
};

// Any thread.
bool matches(const ConnectionQuery& query, const dataplane::TemplateCopy& copy);
// nullopt: it was not asked for. Any thread.
std::optional<ConnectionReport> report_of(const ConnectionQuery& query, const dataplane::ConnectionCopy& connection);

struct Controller::State {
  State(dataplane::Dataplane& running, ControllerOptions wanted, Journal opened);

  // --- start and stop (controller.cc); any one thread, the loop not running ---
  Result<void> restore();
  Result<DesiredState> decode(const JournalEntry& entry) const;
  void run_loop();
  void stop();

  // --- edits (controller_edits.cc) ---
  void edit(ServiceEdit edit, uint64_t expected_revision, bool dry_run, ApplyDone done);
  // Writes the journal: the edit alone, while those that it holds do not outgrow the state.
  Result<void> keep_edit(uint64_t next_revision, const ServiceEdit& edit);
  PartOfState part(const std::vector<std::string>& names) const;
  PartOfState near(const Neighbourhood& around, const std::vector<std::string>& names) const;

  // --- changes (controller_changes.cc) ---
  void apply(DesiredState state, uint64_t expected_revision, bool dry_run, ApplyDone done);
  void reload(FileState file, ApplyDone done);
  // `done`, and what became of the state is kept for observers.
  ApplyDone noted(ApplyDone done);
  Result<void> check_revision(uint64_t expected) const;
  // Writes the journal; a failure becomes a problem and an event.
  Result<void> keep(uint64_t next_revision, const DesiredState& state);
  Result<void> note_kept(Result<void> written);
  void commit(const std::vector<Change>& changes);

  // --- history (history/controller_history.cc) ---
  void open_history();
  void note_history(const Result<void>& written);
  // Before the journal is written; the next commit() is of this revision, or history->forget().
  void remember(uint64_t next_revision, const Undo& way_back, const std::vector<Change>& changes);
  // What was committed and changed no state.
  void remember_override(const std::vector<Change>& changes);
  void forget(uint64_t next_revision);
  void take_kernel_view(const KernelView& view);
  void tell_neighbours(const NextHopTables& before, const NextHopTables& after);
  void take_health(const std::string& service, const std::string& real, Health health, const std::string& text);

  // --- overrides and drains (controller_overrides.cc, drains.cc) ---
  // What an override becomes; an error says why it may not.
  using OverrideEdit = std::function<Result<Override>(RealPlace place, const Override& before)>;
  void override_real(const std::string& service, const std::string& real, uint64_t expected_revision,
                     const OverrideEdit& edit, ApplyDone done);
  Result<void> set_override(RealPlace place, const Override& after);
  // A damaged file is told as a problem, and there are none.
  Result<KeptOverrides> load_overrides();
  void restore_overrides(KeptOverrides kept);
  void tell_lost(const std::vector<KeptOverride>& lost);
  // Adds to changes of overridden reals that their override holds on.
  void note_overrides(std::vector<Change>& changes) const;
  // Drains that a desired state asked for by weight_before_drain, as those of former versions do.
  bool is_drained(const RealName& name) const;
  void add_drains(const std::vector<RealName>& drained, std::vector<Change>& changes) const;
  void drain_named(const std::vector<RealName>& drained);
  std::vector<OverrideReport> override_reports() const;
  // Overrides and deadlines whose time has come.
  void end_overrides(WallClock::time_point now);
  void follow_drain(RealPlace place);
  void follow_drains();
  void reach_deadline(RealPlace place, uint32_t id);
  void end_drains();
  // Reals whose connections workers end.
  std::vector<RealId> expired_reals() const;

  // --- quorums and panics (standings.cc) ---
  void tell_standing(const StandingChange& change);
  void follow_standings();

  // --- reals judged by their clients' connections (inhibitions.cc) ---
  void look_at_outcomes(Clock::time_point now);
  void look_at_service(uint32_t index, Clock::time_point now);
  void inhibit(RealPlace place, const std::string& why, Clock::time_point now);
  void release(RealPlace place, const char* why, Clock::time_point now);

  // --- publishing (controller_changes.cc) ---
  // Soon, together with all that changes until then; `published` is called afterwards.
  void publish_soon(std::function<void()> published = {});
  void publish_now();

  // --- upkeep (controller_upkeep.cc) ---
  void start_upkeep();
  void on_tick();
  void pass_on_resolve_requests(Clock::time_point now);
  void learn_path_mtus(Clock::time_point now);
  void forget_path_mtus(Clock::time_point now);
  void free_slots();
  void read_links();
  void keep_neighbours_fresh(Clock::time_point now);

  // --- reports (controller_reports.cc, problems.cc, connection_reports.cc, observation.cc) ---
  StatusReport status() const;
  Overview overview() const;
  FoundServices find_services(const ServiceSearch& search) const;
  // By ServiceId.
  std::unordered_map<uint32_t, std::vector<RealId>> removed_by_service() const;
  std::vector<std::string> problems() const;
  Result<ServicePage> services(const ServiceQuery& query) const;
  ServiceState service_state(uint32_t index, const std::vector<RealId>& removed) const;
  RealState real_state(RealPlace place) const;
  RealState removed_state(RealId id) const;
  void add_counters(RealId id, RealState& state) const;
  std::string next_hop_of(RealId id) const;
  std::vector<WorkerState> worker_states() const;
  std::vector<PortState> port_states() const;
  std::vector<DropState> drop_states() const;
  std::vector<SnatState> snat_states() const;
  Result<ConnectionQuery> connection_query(const ConnectionFilter& filter) const;
  std::optional<ConnectionReport> report_of(const dataplane::TemplateCopy& copy) const;
  std::vector<ConnectionReport> reports_of(const std::vector<dataplane::TemplateCopy>& copies) const;

  // --- trace and capture (debug/trace.cc, debug/watch.cc) ---
  TraceReport trace_report(const dataplane::TapRecord& record, WallClock::time_point time) const;
  void add_decisions(const dataplane::TapRecord& record, TraceReport& report) const;
  void add_end(const dataplane::TapRecord& record, const dataplane::FrameFlow& in, TraceReport& report) const;
  // "web/r1"; empty: there is none.
  std::string real_name(RealId id) const;

  // --- explain (debug/explain.cc) ---
  // The port that its packet comes in on.
  Result<uint16_t> ingress_of(const ExplainQuery& query) const;
  // `told`: by worker.
  ExplainReport explain(const ExplainQuery& query, const std::vector<dataplane::Explanation>& told) const;
  ExplainedWorker explained_worker(const ExplainQuery& query, uint32_t service,
                                   const dataplane::Explanation& told) const;
  void tell_choice(uint32_t service, const dataplane::Choice& choice, ExplainedWorker& out) const;
  ExplainedService explained_service(const ExplainQuery& query, uint32_t service,
                                     const dataplane::Explanation& told) const;
  std::vector<ExplainedReal> explained_reals(uint32_t service, const std::vector<ExplainedWorker>& workers) const;
  ExplainedReal explained_real(RealPlace place) const;
  ExplainedNextHop explained_next_hop(const dataplane::RealEntry& real) const;
  std::string why_not(RealPlace place) const;
  uint32_t weight_of(RealId id, uint32_t service) const;
  std::string verdict_of(const ExplainReport& report, const std::vector<dataplane::Explanation>& told) const;
  std::string verdict_of_snat(const ExplainReport& report, const std::vector<dataplane::Explanation>& told) const;
  std::string verdict_without_service(const ExplainQuery& query, const dataplane::Explanation& told) const;

  void tell(std::string kind, std::string subject, std::string text);
  std::string port_name(uint16_t port) const;

  dataplane::Dataplane& dataplane;
  const ControllerOptions options;
  EventRing events;

  asio::io_context loop;
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  asio::steady_timer publish_timer{loop};
  asio::steady_timer tick_timer{loop};
  std::thread thread;
  // Guards `stopping`, so that nothing is posted after the loop's end.
  std::mutex stop_mutex;
  bool stopping = false;

  // All below: the loop's thread.
  Journal journal;
  OverrideFile override_file;
  // None where it cannot be opened.
  std::optional<History> history;
  // Of what is being changed now.
  Cause cause{Origin::kItself, "", ""};
  Meters meters;
  Slots slots{dataplane::kMaxReals, dataplane::kMaxServices};
  SnapshotBuilder builder;
  LiveState live;
  NextHopTable next_hops;
  ResolveSchedule resolver;
  PathMtus path_mtus;

  uint64_t revision = 0;
  uint64_t file_hash = 0;
  const WallClock::time_point started = WallClock::now();
  WallClock::time_point applied;
  // Of the last whole state that was asked for; unset: none since the start.
  bool last_apply_succeeded = true;
  WallClock::time_point last_apply;
  Lateness lateness;

  bool publish_pending = false;
  Clock::time_point last_publish;
  std::vector<std::function<void()>> after_publish;

  // By RealId.
  std::unordered_map<uint32_t, Drain> drains;
  struct WatchedReal {
    OutcomeWatch watch;
    // Its counters when it came.
    Outcomes base;
    uint64_t seen = 0;
  };
  // By RealId.
  std::unordered_map<uint32_t, WatchedReal> watched_reals;
  uint64_t outcome_looks = 0;
  // As last told to the hook.
  std::vector<IpAddress> withdrawn;

  struct PortLink {
    bool driver = false;
    // As the kernel port is set; true without one.
    bool kernel = true;
    bool told = false;
    bool up() const noexcept { return driver && kernel; }
  };
  std::array<PortLink, dataplane::kMaxPorts> links;
  PortLosses losses;
  uint64_t ticks = 0;

  // By source; "journal" is the controller's own.
  std::map<std::string, std::string> outside_problems;
};

}  // namespace shunt::control
