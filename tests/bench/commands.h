// path_bench's subcommands: each adds its parser and runs when it was asked for.
#pragma once

#include <CLI/CLI.hpp>

#include "tests/bench/results.h"

namespace shunt::bench {

void add_path_command(CLI::App& app, Results& results);
void add_connections_command(CLI::App& app, Results& results);
void add_latency_command(CLI::App& app, Results& results);
void add_instructions_command(CLI::App& app);
void add_steering_command(CLI::App& app, Results& results);
void add_schedulers_command(CLI::App& app, Results& results);
void add_services_command(CLI::App& app, Results& results);
void add_access_command(CLI::App& app, Results& results);
void add_templates_command(CLI::App& app, Results& results);

}  // namespace shunt::bench
