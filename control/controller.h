// The control thread: owns the desired state, its journal, health, slots and next hops, and turns every change of them
// into a snapshot for the workers. One asio loop on one thread does all of it. The public calls may come from any other
// thread: they are posted to the loop and wait for its answer. Workers never wait for this thread; should it stop,
// they forward on with the last snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/debug/explain_report.h"
#include "control/debug/watch_report.h"
#include "control/doctor/finding.h"
#include "control/events.h"
#include "control/history/cause.h"
#include "control/history/past.h"
#include "control/kernel/probe_translation.h"
#include "control/kernel/view.h"
#include "control/model/desired_state.h"
#include "control/model/machine.h"
#include "control/observation.h"
#include "control/report.h"
#include "control/service_edit.h"
#include "dataplane/setup/dataplane.h"
#include "src/base/result.h"

namespace asio {
class io_context;
}

namespace shunt::control {

// Desired states to bytes and back: the schema's own encoding, which only the edges know.
struct StateCodec {
  std::function<std::string(const DesiredState&)> encode;
  std::function<Result<DesiredState>(const std::string&)> decode;
  // As decode, of services without what they refer to: not validated. Unset: decode does it.
  std::function<Result<DesiredState>(const std::string&)> decode_part;
};

// What the configuration file asks for.
struct FileState {
  DesiredState state;
  // Of the file's content; decides whether file or journal wins at start.
  uint64_t content_hash = 0;
};

// Called on the loop's thread; must not block it, nor call the controller's waiting functions.
struct ControllerHooks {
  // Makes the kernel resolve a next hop.
  std::function<void(const dataplane::ResolveRequest&)> resolve;
  // The desired state differs in more than weights, and once at start: health checks and kernel port addresses
  // follow it.
  std::function<void(const DesiredState&)> desired_changed;
  // What health checks took so far. Unset: nothing.
  std::function<std::vector<CheckFigures>()> checks;
  // What went by way of VIPs so far. Unset: nothing.
  std::function<ProbeCounters()> probes;
  // These addresses of the desired state, and no others, are not to be on kernel ports: services lost their quorum.
  std::function<void(const DesiredState&, const std::vector<IpAddress>&)> withdrawn_changed;
};

struct ControllerOptions {
  Machine machine;
  FileState file;
  StateCodec codec;
  ControllerHooks hooks;
};

// Who says so, and for how long; unset: until it is cleared.
struct OverrideTerms {
  std::optional<Milliseconds> lasts;
  std::string by;
};
struct DrainTerms {
  std::optional<Milliseconds> lasts;
  std::string by;
  // Unset: it takes as long as its connections do.
  std::optional<Milliseconds> deadline;
  AtDeadline then = AtDeadline::kLeave;
};

class Controller {
 public:
  // Restores the journal, decides between it and the file (the file wins if it changed since the journal was written),
  // publishes the first snapshot and starts the loop. A damaged journal is kept aside and told as a problem, and the
  // file's services are used. `dataplane` must outlive the controller. Errors: the journal cannot be read or written
  // (kPermission, kUnavailable), another process holds it (kConflict), the state exceeds the tables (kInvalid).
  static Result<std::unique_ptr<Controller>> start(dataplane::Dataplane& dataplane, ControllerOptions options);
  ~Controller();
  // Ends the loop after what was asked of it before; later calls return kUnavailable and watchers of events wake up. The
  // workers keep the last snapshot. For those who live on the loop: they may be destroyed once this returned. The
  // destructor does it, too.
  void stop();

  // The slot of a real of the present desired state; kNoReal: there is none. On the loop's thread.
  dataplane::RealId id_of(const std::string& service, const std::string& real) const;

  // The loop, for those who live on its thread: the kernel mirror, the health checker.
  asio::io_context& loop() noexcept;

  // Changes, each for the cause of the calling thread (history/cause.h). All return after their snapshot is published and their state journaled; a failed one changed nothing.
  // `expected_revision` 0: whatever is current, else kConflict unless it is. REQUIRES a validated state.
  Result<ApplyOutcome> apply(DesiredState state, uint64_t expected_revision, bool dry_run);
  // As apply(), of some services alone: what it costs does not grow with the others. REQUIRES a valid state afterwards.
  Result<ApplyOutcome> edit(ServiceEdit edit, uint64_t expected_revision, bool dry_run);
  // As apply() without a revision, for the configuration file's services while running; a restart then finds that the
  // journal knows this file.
  Result<ApplyOutcome> reload(FileState file);
  // Overrides: the desired state stays as it is, and what it says of the real counts again when the override is cleared
  // or over. `real` is a real's name or "ADDRESS:PORT". kNotFound when there is none, kInvalid for a weight above 65535.
  // Setting a weight ends a drain.
  Result<ApplyOutcome> set_weight(const std::string& service, const std::string& real, uint32_t weight,
                                  uint64_t expected_revision, const OverrideTerms& terms = {});
  // Of one that is drained already, what `terms` give is changed.
  Result<ApplyOutcome> drain(const std::string& service, const std::string& real, uint64_t expected_revision,
                             const DrainTerms& terms = {});
  // Brings back the weight of before. kInvalid when it is not drained.
  Result<ApplyOutcome> undo_drain(const std::string& service, const std::string& real, uint64_t expected_revision);
  // Drain and weight; nothing changes where there is neither.
  Result<ApplyOutcome> clear_override(const std::string& service, const std::string& real, uint64_t expected_revision);
  Result<std::vector<OverrideReport>> overrides();

  // The past: each revision that is kept, one's changes, its desired state. kNotFound: it is not kept, or its state is
  // not known.
  Result<HistoryReport> history();
  Result<PastRevision> past_revision(uint64_t revision);
  Result<PastState> state_at(uint64_t revision);

  // Reports. kUnavailable when the daemon is stopping.
  Result<CurrentState> get();
  // The services of these names, and all that is no service; names that there are not are left out.
  Result<PartOfState> part(std::vector<std::string> names);
  // Services that is_near(), but those of these names; without what is no service.
  Result<PartOfState> near(Neighbourhood around, std::vector<std::string> names);
  Result<StatusReport> status();
  // kNotFound when `query.name` names no service. kUnavailable also when there is no answer within `limit`.
  Result<ServicePage> list_services(const ServiceQuery& query, std::optional<Milliseconds> limit = {});
  Result<std::vector<WorkerState>> workers();
  Result<std::vector<PortState>> ports();
  // Those that happened, in the order of their enumeration.
  Result<std::vector<DropState>> drops();
  // In the order in which they are asked.
  Result<std::vector<SnatState>> snat_rules();
  // Hands each connection that matches to `sink`, on the calling thread, until it returns false. kInvalid when
  // `filter.client` is no address, kNotFound when `filter.service` or `filter.real` names none.
  Result<void> connections(const ConnectionFilter& filter, const std::function<bool(const ConnectionReport&)>& sink);
  // What becomes of the first packet of a flow, and why; nothing changes. kNotFound: no such ingress port.
  Result<ExplainReport> explain(const ExplainQuery& query);
  // Hands on what packets do, or the packets, until as many were told as are asked for or the sink says no. kInvalid: the
  // filter is none; kNotFound: no such port; kConflict: too many look on already.
  Result<WatchEnd> trace(const TraceQuery& query, const WatchSink<TraceReport>& sink);
  Result<WatchEnd> capture(const CaptureQuery& query, const WatchSink<CapturedFrame>& sink);
  // Looks at the machine, at Linux's network stack and, for so long, at packets. Asks on the wire who else has the VIPs.
  Result<Findings> examine(std::chrono::milliseconds watch);
  // By DPDK id. Any thread.
  std::vector<std::pair<uint16_t, std::string>> port_names() const;
  EventRing& events() noexcept;

  // For observers, who give up after `limit` (kUnavailable).
  Result<Overview> overview(Milliseconds limit);
  Result<FoundServices> find_services(const ServiceSearch& search, Milliseconds limit);

  // Inputs. From any thread; they do not wait.
  void on_kernel_view(KernelView view);
  // A check's outcome, also one that changes nothing; names as in the desired state, others are ignored.
  void on_health(const std::string& service, const std::string& real, Health health, const std::string& text);
  // Something outside the controller wants attention in status(): "subject: cause; remedy". Empty text: no longer.
  void set_problem(const std::string& source, const std::string& text);
  // A whole desired state was refused before it came here: for Overview::last_apply_succeeded.
  void note_refused_apply();

 private:
  struct State;
  explicit Controller(std::unique_ptr<State> state);
  Findings examine_checksums(std::chrono::milliseconds watch);
  std::unique_ptr<State> state_;
};

}  // namespace shunt::control
