// shuntctl: asks the daemon over its UNIX socket, or over TCP with TLS, and shows the answer.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "config/duration.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/usage_problem.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

constexpr const char* kFooter =
    R"(Exit codes:
  0  done; for diff: nothing differs
  1  the daemon answered with an error not named below; for diff: something differs; for doctor: something is wrong;
     for import and export: something was left out
  2  wrong arguments, an invalid configuration, or one that import cannot read
  3  the daemon cannot be reached
  4  no such service, real or revision
  5  --expect-revision is not the current revision
  6  permission denied
  7  for diff: what 1 is elsewhere

Environment: SHUNT_SOCKET, SHUNT_SERVER, SHUNT_CA, SHUNT_CERT and SHUNT_KEY are the defaults of --socket, --server, --ca,
--cert and --key; NO_COLOR turns colour off.
With -o json, streams (conn list, events, stats) are one message per line, and errors are JSON on standard error.
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

std::string from_environment(const char* variable, const char* otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

void add_connection_options(CLI::App& app, Settings& settings) {
  settings.socket_path = from_environment("SHUNT_SOCKET", "/run/shunt/shuntd.sock");
  settings.tcp = {from_environment("SHUNT_SERVER", ""), from_environment("SHUNT_CA", ""),
                  from_environment("SHUNT_CERT", ""), from_environment("SHUNT_KEY", "")};
  CLI::Option* socket =
      app.add_option("-s,--socket", settings.socket_path, "The daemon's UNIX socket")->capture_default_str();
  app.add_option("--server", settings.tcp.server, "A daemon's listener.tcp, in place of the socket")
      ->type_name("ADDRESS:PORT")
      ->excludes(socket);
  app.add_option("--ca", settings.tcp.ca, "With --server: the CA that signed the daemon's certificate")->type_name("FILE");
  app.add_option("--cert", settings.tcp.certificate, "With --server: your certificate")->type_name("FILE");
  app.add_option("--key", settings.tcp.key, "With --server: its private key")->type_name("FILE");
}

void add_global_options(CLI::App& app, Settings& settings) {
  settings.colour = wants_colour();
  add_connection_options(app, settings);
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
  add_history_verbs(app, command);
  add_real_verbs(app, command);
  add_override_verbs(app, command);
  add_machine_verbs(app, command);
  add_access_verbs(app, command);
  add_snat_verbs(app, command);
  add_event_verbs(app, command);
  add_stats_verbs(app, command);
  add_top_verbs(app, command);
  add_explain_verbs(app, command);
  add_watch_verbs(app, command);
  add_import_verbs(app, command);
  add_export_verbs(app, command);
  add_doctor_verbs(app, command);
  add_complete_verbs(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return finish(ExitCode::kOk, false);
  } catch (const CLI::ParseError& error) {
    return finish(Failure{ExitCode::kUsage, "USAGE", usage_problem(app, error), {}}, asks_for_json(argc, argv));
  }
  // A socket that was asked for stands above a server that the environment names.
  if (app.count("--socket") > 0) command.settings.tcp.server.clear();
  return finish(command.action(command.settings), command.settings.json);
}

}  // namespace
}  // namespace shunt::shuntctl

int main(int argc, char** argv) {
  // What gRPC would say of a failed handshake, shuntctl says in its own words.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  return shunt::shuntctl::run(argc, argv);
}
