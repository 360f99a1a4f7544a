#include "src/shuntd/options.h"

#include <CLI/CLI.hpp>

#include "src/shuntd/exit_code.h"

namespace shunt::shuntd {
namespace {

constexpr const char* kFooter = R"(Exit codes:
  0  ended as asked; with --check: the configuration is valid and dpdk.memory_mb is enough for it
  1  an error not named below; with --doctor: something is wrong
  2  wrong arguments, or an invalid configuration
  3  not enough memory or hugepages
  4  no such device
  5  a device, interface name, socket or file prefix is in use
  6  permission denied
  7  this CPU lacks instructions that this build uses

Signals:
  SIGTERM, SIGINT  stop: the socket and the kernel ports are removed
  SIGHUP           read the services of the configuration file anew; a bad file changes nothing

It tells systemd when it is ready (Type=notify) and that it is alive (WatchdogSec=).)";

}  // namespace

Parsed parse(int argc, char** argv, Options& options) {
  CLI::App app("Shunt's daemon: an IP-level load balancer on DPDK.", "shuntd");
  app.set_version_flag("--version", "shuntd " SHUNT_VERSION);
  app.add_option("-c,--config", options.config_path, "Configuration file")->capture_default_str()->type_name("FILE");
  app.add_flag("--check", options.check,
               "Validate the configuration file, tell every error and the memory it takes, and end");
  auto* doctor = app.add_flag("--doctor", options.doctor,
                              "Tell what is wrong with this machine for the configuration, and what mends it, and end");
  app.add_option_function<std::string>(
         "-o,--output", [&options](const std::string& form) { options.json = form == "json"; },
         "Of --doctor: text or json (default: text)")
      ->check(CLI::IsMember({"text", "json"}))
      ->needs(doctor)
      ->type_name("FORM");
  app.add_option("--log-level", options.log_level, "What is logged to standard error (default: the configuration's logging.level, info)")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "critical", "off"}))
      ->type_name("LEVEL");
  app.add_option("--check-programs", options.check_programs,
                 "Folder of the programs that health checks may run; only root's, not writable by others")
      ->capture_default_str()
      ->type_name("FOLDER");
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& said) {
    const bool is_mistake = app.exit(said) != 0;
    return {.go_on = false, .exit = is_mistake ? static_cast<int>(ExitCode::kInvalid) : 0};
  }
  return {.go_on = true};
}

}  // namespace shunt::shuntd
