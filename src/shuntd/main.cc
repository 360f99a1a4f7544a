// shuntd: reads its configuration, starts, and waits for signals.
#include <cstdio>
#include <utility>

#include "control/doctor/machine_checks.h"
#include "control/doctor/text.h"
#include "src/base/log.h"
#include "src/shuntd/configuration.h"
#include "src/shuntd/daemon.h"
#include "src/shuntd/dpdk_log.h"
#include "src/shuntd/exit_code.h"
#include "src/shuntd/options.h"
#include "src/shuntd/signals.h"
#include "src/shuntd/systemd.h"

namespace shunt::shuntd {
namespace {

int tell_problems(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
  return static_cast<int>(ExitCode::kInvalid);
}

int check(const std::string& path, const control::Machine& machine) {
  const auto memory = memory_summary(machine);
  if (!memory) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), memory.error().message.c_str());
    return static_cast<int>(exit_code_of(memory.error().code));
  }
  std::printf("%s: valid\n%s\n", path.c_str(), memory->c_str());
  return static_cast<int>(ExitCode::kOk);
}

int doctor(const control::Machine& machine, bool json) {
  const control::Findings findings = control::check_machine(control::FileRoot(), machine, false);
  std::fputs((json ? control::to_json_text(findings) : control::to_text(findings)).c_str(), stdout);
  return static_cast<int>(control::has_bad(findings) ? ExitCode::kOther : ExitCode::kOk);
}

void serve(Daemon& daemon, const std::string& config_path) {
  const auto watchdog = watchdog_interval();
  for (;;) {
    const auto signal = wait_for_signal(watchdog);
    if (signal == Signal::kStop) return;
    if (signal == Signal::kReload) {
      tell_reloading();
      daemon.reload(config_path);
      tell_ready(daemon.summary());
    }
    // A worker that stands still is worth a restart; a healthy one polls thousands of times in between.
    if (!signal && daemon.workers_advanced()) tell_alive();
  }
}

// REQUIRES no other thread of ours.
int start_and_serve(Configuration configuration, const std::string& config_path) {
  bridge_dpdk_log();
  spdlog::info("shuntd {} starts with {}", SHUNT_VERSION, config_path);
  {
    auto daemon = Daemon::start(std::move(configuration));
    if (!daemon) {
      spdlog::critical("{}", daemon.error().message);
      return static_cast<int>(exit_code_of(daemon.error().code));
    }
    spdlog::info("ready: {}", (*daemon)->summary());
    tell_ready((*daemon)->summary());
    serve(**daemon, config_path);
    tell_stopping();
    spdlog::info("stopping");
  }
  spdlog::info("stopped");
  return static_cast<int>(ExitCode::kOk);
}

int run(const Options& options) {
  auto loaded = load_configuration(options.config_path);
  if (!loaded.problems.empty()) return tell_problems(loaded.problems);
  if (options.check) return check(options.config_path, loaded.configuration.machine);
  if (options.doctor) return doctor(loaded.configuration.machine, options.json);
  hold_signals();
  const control::Logging& logging = loaded.configuration.machine.logging;
  loaded.configuration.machine.check_programs = options.check_programs;
  start_logging({options.log_level.empty() ? logging.level : options.log_level, logging.json});
  const int status = start_and_serve(std::move(loaded.configuration), options.config_path);
  end_logging();
  return status;
}

}  // namespace
}  // namespace shunt::shuntd

int main(int argc, char** argv) {
  shunt::shuntd::Options options;
  const auto parsed = shunt::shuntd::parse(argc, argv, options);
  return parsed.go_on ? shunt::shuntd::run(options) : parsed.exit;
}
