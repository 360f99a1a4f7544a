// What Shunt's packets cost, in this process alone: no port but rings, one worker, on one CPU.
//
//   path_bench path          ns a packet of known connections in the packet path, beside the floor (the default)
//   path_bench connections   new connections a second, expiry included, and the longest pause
//   path_bench latency       time in the box at 10, 50 and 90 % of the rate without loss, and while snapshots are swapped
//   path_bench instructions-run   what tests/bench/instructions_test.py counts under callgrind
//   path_bench steering      ns to choose fullnat's local port, and to hand a reply to its worker
//   path_bench schedulers    ns a connection costs each scheduler, by number of reals
//   path_bench services      ns to find a new connection's service, by number of matches
//   path_bench templates     ns that persistence adds to a connection
//
// --json FILE appends the rows, one JSON object a line. Every packet that leaves is checked, outside of the time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "tests/bench/commands.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/results.h"

namespace shunt::bench {
namespace {

int main_of(int argc, char** argv) {
  CLI::App app{"What Shunt's packets cost, measured inside of one process"};
  app.require_subcommand(1);
  app.fallthrough();
  Results results;
  std::string json;
  app.add_option("--json", json, "append rows to this file, one JSON object a line");
  app.add_flag_callback("--no-huge", [] { HugeMemory::allowed = false; }, "tables on ordinary pages");
  app.parse_complete_callback([&] { results.open(json); });
  add_path_command(app, results);
  add_connections_command(app, results);
  add_latency_command(app, results);
  add_instructions_command(app);
  add_steering_command(app, results);
  add_schedulers_command(app, results);
  add_services_command(app, results);
  add_access_command(app, results);
  add_templates_command(app, results);

  // CLI11 takes the arguments from the last to the first.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto is_command = [&](const std::string& word) {
    const auto commands = app.get_subcommands({});
    return std::any_of(commands.begin(), commands.end(), [&](const CLI::App* each) { return each->get_name() == word; });
  };
  const bool asks_for_help = !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h");
  if (!asks_for_help && std::none_of(arguments.begin(), arguments.end(), is_command)) {
    arguments.insert(arguments.begin(), "path");
  }
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return 0;
}

}  // namespace
}  // namespace shunt::bench

int main(int argc, char** argv) { return shunt::bench::main_of(argc, argv); }
