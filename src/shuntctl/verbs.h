// The groups of verbs. Each adds its subcommands to the command line; a chosen one sets `command.action`. The
// command must outlive the app's parsing.
#pragma once

#include <CLI/CLI.hpp>

#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

// status, version
void add_status_verbs(CLI::App& app, Command& command);
// service list, and service_edits.cc's
void add_service_verbs(CLI::App& app, Command& command);
// conn list
void add_connection_verbs(CLI::App& app, Command& command);
// apply, diff, get, check
void add_state_verbs(CLI::App& app, Command& command);
// history, history show, rollback
void add_history_verbs(CLI::App& app, Command& command);
// real set-weight, real drain, and those of real_edits.cc and override_verbs.cc
void add_real_verbs(CLI::App& app, Command& command);
// overrides
void add_override_verbs(CLI::App& app, Command& command);
// drops, workers, ports
void add_machine_verbs(CLI::App& app, Command& command);
// access list, add, remove, delete
void add_access_verbs(CLI::App& app, Command& command);
// snat list, and snat_edits.cc's
void add_snat_verbs(CLI::App& app, Command& command);
// top
void add_top_verbs(CLI::App& app, Command& command);
// events
void add_event_verbs(CLI::App& app, Command& command);
// stats
void add_stats_verbs(CLI::App& app, Command& command);
// explain
void add_explain_verbs(CLI::App& app, Command& command);
// trace, capture
void add_watch_verbs(CLI::App& app, Command& command);
// import ipvsadm, import keepalived, import dpvs
void add_import_verbs(CLI::App& app, Command& command);
// export ipvsadm
void add_export_verbs(CLI::App& app, Command& command);
// doctor
void add_doctor_verbs(CLI::App& app, Command& command);
// __complete, for the shell's completion
void add_complete_verbs(CLI::App& app, Command& command);

}  // namespace shunt::shuntctl
