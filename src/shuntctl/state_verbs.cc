// shuntctl apply, diff, get, check: the desired state and its file.
#include <memory>
#include <optional>

#include "config/convert.h"
#include "config/yaml_file.h"
#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/file_failure.h"
#include "src/shuntctl/output/yaml.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct ApplyOptions {
  std::string file;
  bool dry_run = false;
  uint64_t expected_revision = 0;
};

Outcome apply(const Settings& settings, const ApplyOptions& options) {
  const auto loaded = load_desired_state(options.file);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, options.file);
  v1::ApplyRequest request;
  *request.mutable_state() = config::desired_part(loaded.config);
  request.set_expected_revision(options.expected_revision);
  request.set_dry_run(options.dry_run);
  Client client(settings);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Apply, request, &response)) return *failure;
  print_applied(response, settings);
  if (options.dry_run && !settings.json) print("dry run: nothing was changed\n");
  return {};
}

Outcome diff(const Settings& settings, const std::string& file) {
  const auto loaded = load_desired_state(file);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, file);
  v1::ApplyRequest request;
  *request.mutable_state() = config::desired_part(loaded.config);
  request.set_dry_run(true);
  Client client(settings);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Apply, request, &response)) {
    if (failure->exit == ExitCode::kRpc) failure->exit = ExitCode::kDiffFailed;
    return *failure;
  }
  if (settings.json) {
    print_json(response);
  } else {
    print(changes_text(response, settings.colour));
  }
  // As diff(1): 1 says that there is a difference.
  return response.changes().empty() ? ExitCode::kOk : ExitCode::kRpc;
}

Outcome get(const Settings& settings) {
  Client client(settings);
  v1::GetResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Get, v1::GetRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
  } else {
    print("# revision " + std::to_string(response.revision()) + "\n" + to_yaml(response.state()));
  }
  return {};
}

// A file without any of the machine part is meant for `apply`.
bool has_machine_part(const v1::Config& config) {
  return config.has_dpdk() || config.has_workers() || config.ports_size() > 0 || config.has_listener() ||
         config.has_next_hops() || config.has_journal();
}

Outcome check(const Settings& settings, const std::string& file) {
  auto loaded = load_desired_state(file);
  const bool whole = has_machine_part(loaded.config);
  if (whole) loaded = config::load_yaml_file(file, config::Purpose::kDaemon);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, file);
  if (settings.json) {
    print_json(loaded.config);
    return {};
  }
  size_t reals = 0;
  for (const auto& service : loaded.config.services()) reals += static_cast<size_t>(service.reals_size());
  print(file + ": valid " + (whole ? "configuration: " : "desired state (no machine part): ") +
        counted(static_cast<size_t>(loaded.config.services_size()), "service") + ", " + counted(reals, "real") + "\n");
  return {};
}

}  // namespace

void add_state_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* applying = app.add_subcommand(
      "apply", "Makes the file's services, local addresses, timeouts and sysctls the desired state: all or nothing");
  applying->add_option("-f,--file", options->file, "YAML file; - is standard input")->required()->type_name("FILE");
  applying->add_flag("--dry-run", options->dry_run, "Only show what would change");
  applying->add_option("--expect-revision", options->expected_revision, "Refuse when this is not the current revision")
      ->type_name("N");
  applying->callback([&command, options] {
    command.action = [options](const Settings& settings) { return apply(settings, *options); };
  });

  auto file = std::make_shared<std::string>();
  CLI::App* differing =
      app.add_subcommand("diff", "What apply would change; exits 0 when nothing, 1 when something, above 1 on error");
  differing->add_option("-f,--file", *file, "YAML file; - is standard input")->required()->type_name("FILE");
  differing->callback([&command, file] {
    command.action = [file](const Settings& settings) { return diff(settings, *file); };
  });

  app.add_subcommand("get", "The desired state as YAML that apply -f takes")->callback([&command] {
    command.action = get;
  });

  CLI::App* checking = app.add_subcommand("check", "Validates a file; needs no daemon");
  checking->add_option("FILE", *file, "YAML file")->required();
  checking->callback([&command, file] {
    command.action = [file](const Settings& settings) { return check(settings, *file); };
  });
}

}  // namespace shunt::shuntctl
