// shuntctl export: the desired state as other load balancers' configurations.
#include <cstdio>
#include <memory>

#include "config/convert.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/file_failure.h"
#include "src/shuntctl/foreign/export_ipvsadm.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

// `file` empty: the running daemon's state.
Outcome export_to_ipvsadm(const Settings& settings, const std::string& file) {
  v1::DesiredState state;
  if (file.empty()) {
    Client client(settings);
    v1::GetResponse response;
    if (auto failure = client.call(&v1::Shunt::Stub::Get, v1::GetRequest(), &response)) return *failure;
    state = response.state();
  } else {
    const auto loaded = load_desired_state(file);
    if (!loaded.problems.empty()) return failure_of(loaded.problems, file);
    state = config::desired_part(loaded.config);
  }
  const Exported exported = export_ipvsadm(state);
  print(exported.text);
  bool is_whole = true;
  for (const Note& note : exported.notes) {
    is_whole = is_whole && !note.is_left_out;
    std::fprintf(stderr, "%s\n", to_string(note).c_str());
  }
  return is_whole ? ExitCode::kOk : ExitCode::kRpc;
}

}  // namespace

void add_export_verbs(CLI::App& app, Command& command) {
  CLI::App* exporting =
      app.add_subcommand("export", "Writes the desired state as another load balancer's configuration")->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  CLI::App* ipvsadm = exporting->add_subcommand(
      "ipvsadm", "For ipvsadm-restore; what ipvsadm cannot say is named on standard error, and exits 1");
  ipvsadm->add_option("-f,--file", *file, "Of this YAML file, not of the daemon; - is standard input")->type_name("FILE");
  ipvsadm->callback([&command, file] {
    command.action = [file](const Settings& settings) { return export_to_ipvsadm(settings, *file); };
  });
}

}  // namespace shunt::shuntctl
