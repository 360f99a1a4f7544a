#include "src/shuntctl/edit_state.h"

#include "config/words.h"
#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/print.h"

namespace shunt::shuntctl {
namespace {

// Each time somebody else got through; so often in a row only programs that change without pause
// do.
constexpr int kTries = 20;

Failure overtaken(uint64_t expected, uint64_t current) {
  return {ExitCode::kConflict,
          "ABORTED",
          "revision " + std::to_string(expected) + ": the current one is " +
              std::to_string(current) +
              ", somebody changed the state; see it with shuntctl get and redo the change",
          {}};
}

}  // namespace

void add_edit_options(CLI::App& verb, EditOptions& options) {
  verb.add_flag("--dry-run", options.dry_run, "Only show what would change");
  verb.add_option("--expect-revision", options.expected_revision,
                  "Refuse when this is not the current revision")
      ->type_name("N");
}

Outcome edit_state(const Settings& settings, const EditOptions& options, const StateEdit& edit) {
  Client client(settings);
  for (int tries = 1;; ++tries) {
    v1::GetResponse current;
    if (auto failure = client.call(&v1::Shunt::Stub::Get, v1::GetRequest(), &current))
      return *failure;
    if (options.expected_revision != 0 && options.expected_revision != current.revision()) {
      return overtaken(options.expected_revision, current.revision());
    }
    v1::ApplyRequest request;
    request.mutable_state()->Swap(current.mutable_state());
    if (auto failure = edit(*request.mutable_state())) return *failure;
    // What was read is what is replaced: without it, another's change in between would be undone.
    request.set_expected_revision(current.revision());
    request.set_dry_run(options.dry_run);
    v1::ApplyResponse response;
    if (auto failure = client.call(&v1::Shunt::Stub::Apply, request, &response)) {
      const bool again =
          failure->exit == ExitCode::kConflict && options.expected_revision == 0 && tries < kTries;
      if (again) continue;
      return *failure;
    }
    print_applied(response, settings);
    if (options.dry_run && !settings.json) print("dry run: nothing was changed\n");
    return {};
  }
}

v1::Service* find_service(v1::DesiredState& state, const std::string& name) {
  for (auto& service : *state.mutable_services()) {
    if (service.name() == name) return &service;
  }
  return nullptr;
}

Failure no_such_service(const std::string& name) {
  return {
      ExitCode::kNotFound,
      "NOT_FOUND",
      "service " + config::shown(name) + ": there is none of this name; see shuntctl service list",
      {}};
}

}  // namespace shunt::shuntctl
