// Edits as the daemon makes them: all or none, on whatever state is current there. One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

#include "shunt/v1/api.pb.h"
#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

struct EditOptions {
  // 0: whatever is current.
  uint64_t expected_revision = 0;
  bool dry_run = false;
};

// --dry-run and --expect-revision of a verb that edits.
void add_edit_options(CLI::App& verb, EditOptions& options);

// Asks for the edits of `request` and shows what changes.
Outcome send_edits(const Settings& settings, const EditOptions& options, v1::EditRequest request);

// What a change answered, and that it was none on a dry run.
void print_edited(const v1::ApplyResponse& response, const EditOptions& options, const Settings& settings);

}  // namespace shunt::shuntctl
