// The verbs that add, change and remove one service or real. As verbs.h, but for a verb that others
// have begun.
#pragma once

#include <CLI/CLI.hpp>

#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

// service add, update, remove
void add_service_edits(CLI::App& service, Command& command);
// snat add, update, remove
void add_snat_edits(CLI::App& snat, Command& command);
// real add, update, remove
void add_real_edits(CLI::App& real, Command& command);
// real clear
void add_override_edits(CLI::App& real, Command& command);

}  // namespace shunt::shuntctl
