// Edits of the desired state: it is read, changed, and written back only if nobody changed it in
// between. One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "shunt/v1/api.pb.h"
#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

struct EditOptions {
  // 0: whatever is current.
  uint64_t expected_revision = 0;
  bool dry_run = false;
};

// Changes the state, or says why that cannot be. May run more than once, each time on a newer
// state.
using StateEdit = std::function<std::optional<Failure>(v1::DesiredState&)>;

// --dry-run and --expect-revision of a verb that edits.
void add_edit_options(CLI::App& verb, EditOptions& options);

// Shows the changes. When somebody else's change came in between, the edit is made again on what
// that left; with
// --expect-revision it is refused.
Outcome edit_state(const Settings& settings, const EditOptions& options, const StateEdit& edit);

// nullptr when there is none.
v1::Service* find_service(v1::DesiredState& state, const std::string& name);
Failure no_such_service(const std::string& name);

}  // namespace shunt::shuntctl
