// shuntctl overrides, real clear: what operators said of single reals beside the configuration.
#include <chrono>
#include <memory>

#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/output/override_text.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct ClearOptions {
  std::string service;
  std::string real;
  uint64_t expected_revision = 0;
};

void add_row(Table& table, const v1::RealOverride& one, std::vector<Cell> cells) {
  std::vector<Cell> row{one.service(), endpoint(one.address(), one.port()), std::to_string(one.configured_weight())};
  row.insert(row.end(), cells.begin(), cells.end());
  table.row(std::move(row));
}

Outcome list_overrides(const Settings& settings) {
  Client client(settings);
  v1::ListOverridesResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListOverrides, v1::ListOverridesRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  using enum Align;
  const auto now = std::chrono::system_clock::now();
  Table table({kLeft, kLeft, kRight, kLeft, kRight, kLeft, kRight, kLeft, kLeft});
  table.header({"Service", "Real", "Weight", "Override", "Since", "Until", "Conns", "AtDeadline", "By"});
  for (const auto& one : response.overrides()) {
    if (one.has_drain()) {
      const v1::DrainOverride& drain = one.drain();
      add_row(table, one, {{"drained", Tone::kWarning}, age_of(drain.since(), now), time_left(drain.until(), now),
                           count(one.connections(), settings.exact), deadline_text(drain, now), drain.by()});
    }
    if (one.has_weight()) {
      const v1::WeightOverride& weight = one.weight();
      add_row(table, one, {"weight " + std::to_string(weight.weight()), age_of(weight.since(), now),
                           time_left(weight.until(), now), count(one.connections(), settings.exact), "", weight.by()});
    }
  }
  print(response.overrides().empty() ? "no overrides: every real is as configured\n" : table.to_string(settings.colour));
  return {};
}

Outcome clear(const Settings& settings, const ClearOptions& options) {
  v1::ClearOverrideRequest request;
  request.set_service(options.service);
  request.set_real(options.real);
  request.set_expected_revision(options.expected_revision);
  Client client(settings);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ClearOverride, request, &response)) return *failure;
  print_applied(response, settings);
  return {};
}

}  // namespace

void add_override_verbs(CLI::App& app, Command& command) {
  app.add_subcommand("overrides", "Reals that are drained or have a weight by set-weight, whatever the configuration says")
      ->callback([&command] { command.action = list_overrides; });
}

void add_override_edits(CLI::App& real, Command& command) {
  auto options = std::make_shared<ClearOptions>();
  CLI::App* clearing = real.add_subcommand("clear", "Ends set-weight and drain: the configuration counts again");
  clearing->add_option("SERVICE", options->service, "The service's name")->required();
  clearing->add_option("REAL", options->real, "The real's name or ADDRESS:PORT; [ADDRESS]:PORT for IPv6")->required();
  clearing->add_option("--expect-revision", options->expected_revision, "Refuse when this is not the current revision")
      ->type_name("N");
  clearing->callback([&command, options] {
    command.action = [options](const Settings& settings) { return clear(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
