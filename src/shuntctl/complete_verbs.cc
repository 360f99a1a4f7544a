// shuntctl __complete: live names for the shell's completion. Silent and quick, since a person waits at a prompt.
#include <chrono>
#include <memory>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

constexpr std::chrono::milliseconds kCompletionPatience{200};

// `service` empty: the services' names, else the names of its reals.
Outcome print_names(const Settings& settings, const std::string& service) {
  Settings quick = settings;
  quick.timeout = kCompletionPatience;
  Client client(quick);
  v1::ListServicesRequest request;
  request.set_name(service);
  v1::ListServicesResponse response;
  if (client.call(&v1::Shunt::Stub::ListServices, request, &response)) return ExitCode::kRpc;
  for (const auto& state : response.services()) {
    if (service.empty()) {
      print(printable(state.name()) + "\n");
      continue;
    }
    for (const auto& real : state.reals()) {
      if (!real.removed()) print(printable(real.name()) + "\n");
    }
  }
  return {};
}

}  // namespace

void add_complete_verbs(CLI::App& app, Command& command) {
  // An empty group hides it from --help.
  CLI::App* complete = app.add_subcommand("__complete", "")->group("")->require_subcommand(1);
  complete->add_subcommand("services", "")->callback([&command] {
    command.action = [](const Settings& settings) { return print_names(settings, ""); };
  });
  auto service = std::make_shared<std::string>();
  CLI::App* reals = complete->add_subcommand("reals", "");
  reals->add_option("SERVICE", *service)->required();
  reals->callback([&command, service] {
    command.action = [service](const Settings& settings) { return print_names(settings, *service); };
  });
}

}  // namespace shunt::shuntctl
