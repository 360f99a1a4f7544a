// shuntctl real set-weight, real drain.
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include "config/duration.h"
#include "config/real_name.h"
#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

constexpr std::chrono::milliseconds kPollInterval{500};

struct WeightOptions {
  std::string service;
  std::string real;
  uint32_t weight = 0;
  // Milliseconds.
  std::optional<int64_t> lasts;
  uint64_t expected_revision = 0;
};

struct DrainOptions {
  std::string service;
  std::string real;
  bool undo = false;
  bool wait = false;
  // Milliseconds.
  std::optional<int64_t> deadline;
  std::optional<int64_t> lasts;
  std::string then;
  uint64_t expected_revision = 0;
};

v1::AtDeadline at_deadline(const std::string& word) {
  if (word == "leave") return v1::AT_DEADLINE_LEAVE;
  if (word == "reset") return v1::AT_DEADLINE_RESET;
  return word == "reschedule" ? v1::AT_DEADLINE_RESCHEDULE : v1::AT_DEADLINE_UNSPECIFIED;
}

// An option that takes a length of time: "5m".
CLI::Option* add_length(CLI::App& verb, const std::string& name, std::optional<int64_t>& ms, const std::string& help) {
  return verb
      .add_option_function<std::string>(
          name,
          [name, &ms](const std::string& text) {
            ms = config::parse_duration_ms(text);
            if (!ms || *ms <= 0) throw CLI::ValidationError(name, "needs a length of time such as 30s, 5m or 1h");
          },
          help)
      ->type_name("TIME");
}

Outcome set_weight(const Settings& settings, const WeightOptions& options) {
  v1::SetWeightRequest request;
  request.set_service(options.service);
  request.set_real(options.real);
  request.set_weight(options.weight);
  if (options.lasts) *request.mutable_lasts() = config::to_duration(*options.lasts);
  request.set_expected_revision(options.expected_revision);
  Client client(settings);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::SetWeight, request, &response)) return *failure;
  print_applied(response, settings);
  return {};
}

// How much the drained real still has.
struct Left {
  uint64_t connections = 0;
  std::optional<Failure> failure;
};

Left connections_left(Client& client, const DrainOptions& options) {
  v1::ListServicesRequest request;
  request.set_name(options.service);
  v1::ListServicesResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListServices, request, &response)) return {0, failure};
  Left left;
  const std::string wanted = config::canonical_real_name(options.real);
  for (const auto& service : response.services()) {
    for (const auto& real : service.reals()) {
      if (real.name() != wanted && endpoint(real.address(), real.port()) != wanted) continue;
      left.connections += real.active_connections() + real.inactive_connections();
    }
  }
  return left;
}

// On a terminal one line that counts down, else a line whenever the number changed.
class Progress {
 public:
  explicit Progress(bool silent) : silent_(silent), terminal_(isatty(STDERR_FILENO) == 1) {}

  void show(uint64_t left) {
    if (silent_ || left == last_) return;
    last_ = left;
    std::fprintf(stderr, terminal_ ? "\r%llu connections left\033[K" : "%llu connections left\n",
                 static_cast<unsigned long long>(left));
  }
  void end() {
    if (!silent_ && terminal_ && last_ != kNone) std::fputc('\n', stderr);
  }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;
  const bool silent_;
  const bool terminal_;
  uint64_t last_ = kNone;
};

// Until the last connection is gone. --timeout bounds the wait as a whole here, not each of its calls.
Outcome wait_for_drain(const Settings& settings, const DrainOptions& options) {
  Settings each_call = settings;
  each_call.timeout.reset();
  Client client(each_call);
  Progress progress(settings.json);
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    const Left left = connections_left(client, options);
    if (left.failure) {
      progress.end();
      return *left.failure;
    }
    progress.show(left.connections);
    if (left.connections == 0) {
      progress.end();
      return {};
    }
    if (settings.timeout && std::chrono::steady_clock::now() - start >= *settings.timeout) {
      progress.end();
      return Failure{ExitCode::kRpc, "DEADLINE_EXCEEDED",
                     "real " + options.service + "/" + options.real + ": still has " +
                         std::to_string(left.connections) +
                         " connections; it stays drained: wait again by the same command, or see them with conn list",
                     {}};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

Outcome drain(const Settings& settings, const DrainOptions& options) {
  v1::DrainRequest request;
  request.set_service(options.service);
  request.set_real(options.real);
  request.set_undo(options.undo);
  if (options.deadline) *request.mutable_deadline() = config::to_duration(*options.deadline);
  if (options.lasts) *request.mutable_lasts() = config::to_duration(*options.lasts);
  request.set_then(at_deadline(options.then));
  request.set_expected_revision(options.expected_revision);
  Settings call = settings;
  if (options.wait) call.timeout.reset();
  Client client(call);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Drain, request, &response)) return *failure;
  print_applied(response, settings);
  if (!options.wait) return {};
  flush_output();
  return wait_for_drain(settings, options);
}

}  // namespace

void add_real_verbs(CLI::App& app, Command& command) {
  constexpr const char* kRealHelp = "The real's name or ADDRESS:PORT; [ADDRESS]:PORT for IPv6";
  constexpr const char* kRevisionHelp = "Refuse when this is not the current revision";
  CLI::App* real = app.add_subcommand("real", "Reals: adding, changing, draining, removing")->require_subcommand(1);

  auto weight = std::make_shared<WeightOptions>();
  CLI::App* setting = real->add_subcommand("set-weight", "Sets a real's weight, whatever the configuration says; 0: no new connections");
  setting->add_option("SERVICE", weight->service, "The service's name")->required();
  setting->add_option("REAL", weight->real, kRealHelp)->required();
  setting->add_option("WEIGHT", weight->weight, "0..65535")->required()->check(CLI::Range(0, 65535));
  add_length(*setting, "--for", weight->lasts, "So long; then the configured one is back (default: until real clear)");
  setting->add_option("--expect-revision", weight->expected_revision, kRevisionHelp)->type_name("N");
  setting->callback([&command, weight] {
    command.action = [weight](const Settings& settings) { return set_weight(settings, *weight); };
  });

  auto draining = std::make_shared<DrainOptions>();
  CLI::App* drain_verb = real->add_subcommand("drain", "No new connections, old ones finish; survives reloads and restarts");
  drain_verb->add_option("SERVICE", draining->service, "The service's name")->required();
  drain_verb->add_option("REAL", draining->real, kRealHelp)->required();
  auto* undo = drain_verb->add_flag("--undo", draining->undo, "Back in service with its former weight");
  drain_verb
      ->add_flag("--wait", draining->wait, "Until its last connection is gone, or --timeout (default: no limit) is over")
      ->excludes(undo);
  auto* deadline = add_length(*drain_verb, "--deadline", draining->deadline, "After so long, --then happens")->excludes(undo);
  drain_verb
      ->add_option("--then", draining->then,
                   "What becomes of connections that are left at the deadline: leave, reset, reschedule (default: leave)")
      ->check(CLI::IsMember({"leave", "reset", "reschedule"}))
      ->needs(deadline)
      ->type_name("WHAT");
  add_length(*drain_verb, "--for", draining->lasts, "So long; then the drain is undone (default: until --undo)")
      ->excludes(undo);
  drain_verb->add_option("--expect-revision", draining->expected_revision, kRevisionHelp)->type_name("N");
  drain_verb->callback([&command, draining] {
    command.action = [draining](const Settings& settings) { return drain(settings, *draining); };
  });
  add_real_edits(*real, command);
  add_override_edits(*real, command);
}

}  // namespace shunt::shuntctl
