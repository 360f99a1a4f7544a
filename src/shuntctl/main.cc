// shuntctl: asks the daemon over its UNIX socket and shows the answer.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "config/duration.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

constexpr const char* kFooter =
    R"(Exit codes:
  0  done; for diff: nothing differs
  1  the daemon answered with an error not named below; for diff: something differs
  2  wrong arguments, or an invalid configuration
  3  the daemon cannot be reached
  4  no such service or real
  5  --expect-revision is not the current revision
  6  permission denied
  7  for diff: what 1 is elsewhere

Environment: SHUNT_SOCKET is --socket's default; NO_COLOR turns colour off.
With -o json, streams (conn list, events) are one message per line, and errors are JSON on standard error.
What shuntctl --help lists as options may also follow a command.)";

bool wants_colour() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr && terminal != nullptr &&
         std::strcmp(terminal, "dumb") != 0;
}

// "5s", "500ms"; a bare number is seconds.
std::string parse_timeout(const std::string& text, Settings& settings) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto ms = config::parse_duration_ms(bare ? text + "s" : text);
  if (!ms || *ms <= 0 || *ms > 1000LL * 86400 * 365) return "needs a length of time such as 5s, 500ms or 2m";
  settings.timeout = std::chrono::milliseconds(*ms);
  return "";
}

void add_global_options(CLI::App& app, Settings& settings) {
  const char* from_environment = std::getenv("SHUNT_SOCKET");
  settings.socket_path =
      from_environment != nullptr && *from_environment != '\0' ? from_environment : "/run/shunt/shuntd.sock";
  settings.colour = wants_colour();
  app.add_option("-s,--socket", settings.socket_path, "The daemon's UNIX socket")->capture_default_str();
  app.add_option_function<std::string>(
         "-o,--output", [&settings](const std::string& form) { settings.json = form == "json"; },
         "table or json (default: table)")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("FORM");
  app.add_option_function<std::string>(
         "--timeout",
         [&settings](const std::string& text) {
           const std::string problem = parse_timeout(text, settings);
           if (!problem.empty()) throw CLI::ValidationError("--timeout", problem);
         },
         "How long a call may take: 5s, 500ms, 2m (default: 10s; none for streams)")
      ->type_name("TIME");
  app.add_flag("--exact", settings.exact, "Numbers in full, not as 1.23M");
}

// Errors of the command line itself may come before -o was seen.
bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "-ojson" || argument == "-o=json" || argument == "--output=json") return true;
    const bool separate = argument == "-o" || argument == "--output";
    if (separate && i + 1 < argc && std::strcmp(argv[i + 1], "json") == 0) return true;
  }
  return false;
}

int finish(const Outcome& outcome, bool json) {
  const bool arrived = flush_output();
  if (outcome.failure) {
    print_failure(*outcome.failure, json);
    return static_cast<int>(outcome.exit);
  }
  if (!arrived) {
    print_failure({ExitCode::kRpc, "DATA_LOSS", "standard output: could not be written in full; is the disk full?", {}},
                  json);
    return static_cast<int>(ExitCode::kRpc);
  }
  return static_cast<int>(outcome.exit);
}

int run(int argc, char** argv) {
  Command command;
  CLI::App app("Shows and changes what a running shuntd does.", "shuntctl");
  app.footer(kFooter);
  app.fallthrough();
  // One at every level: a service called "status" is then an argument, not a verb.
  app.require_subcommand(1);
  add_global_options(app, command.settings);
  add_status_verbs(app, command);
  add_service_verbs(app, command);
  add_connection_verbs(app, command);
  add_state_verbs(app, command);
  add_real_verbs(app, command);
  add_machine_verbs(app, command);
  add_event_verbs(app, command);
  add_top_verbs(app, command);
  add_explain_verbs(app, command);
  add_watch_verbs(app, command);
  add_complete_verbs(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return finish(ExitCode::kOk, false);
  } catch (const CLI::ParseError& error) {
    const std::string message = std::string(error.what()) + "; see shuntctl --help";
    return finish(Failure{ExitCode::kUsage, "USAGE", message, {}}, asks_for_json(argc, argv));
  }
  return finish(command.action(command.settings), command.settings.json);
}

}  // namespace
}  // namespace shunt::shuntctl

int main(int argc, char** argv) { return shunt::shuntctl::run(argc, argv); }
