#include <algorithm>

#include "control/doctor/machine_checks.h"
#include "dataplane/setup/lcores.h"

namespace shunt::control {
namespace {

using Grade = Finding::Grade;

std::string listed(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (const uint32_t cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

Finding isolation_of(const FileRoot& root, const Machine& machine, const std::vector<uint32_t>& cpus) {
  const std::vector<uint32_t> isolated = parse_cpu_list(root.line("/sys/devices/system/cpu/isolated").value_or(""));
  std::vector<uint32_t> shared;
  for (const uint32_t cpu : cpus) {
    if (std::find(isolated.begin(), isolated.end(), cpu) == isolated.end()) shared.push_back(cpu);
  }
  if (shared.empty()) return {Grade::kGood, "isolcpus", "CPUs " + listed(cpus), "are isolated", ""};
  const bool is_busy = machine.workers.poll_mode == dataplane::PollMode::kBusy;
  return {is_busy ? Grade::kHint : Grade::kGood, "isolcpus", "CPUs " + listed(shared),
          is_busy
              ? "of workers that poll all the time are not isolated: Linux runs others there, packets wait meanwhile"
              : "are not isolated; workers sleep when idle (poll_mode: adaptive)",
          is_busy ? "GRUB_CMDLINE_LINUX=\"isolcpus=" + listed(cpus) + " nohz_full=" + listed(cpus) +
                        "\" in /etc/default/grub; update-grub; reboot"
                  : ""};
}

}  // namespace

std::vector<uint32_t> worker_cpus(const Machine& machine) {
  std::vector<uint32_t> cpus;
  const auto lcores = dataplane::parse_lcores(machine.dpdk.lcores);
  if (!lcores) return cpus;
  for (size_t i = 1; i < lcores->size(); ++i) cpus.push_back((*lcores)[i].cpu);
  return cpus;
}

Findings check_cpus(const FileRoot& root, const Machine& machine) {
  const std::vector<uint32_t> cpus = worker_cpus(machine);
  Findings found{isolation_of(root, machine, cpus)};
  std::string slow;
  std::string governor;
  std::string commands;
  for (const uint32_t cpu : cpus) {
    const std::string file = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor";
    const auto now = root.line(file);
    if (!now || *now == "performance") continue;
    slow += (slow.empty() ? "" : ",") + std::to_string(cpu);
    governor = *now;
    commands += (commands.empty() ? "" : "; ") + ("echo performance > " + file);
  }
  if (slow.empty())
    found.push_back({Grade::kGood, "governor", "CPUs " + listed(cpus), "are not slowed down by a governor", ""});
  else
    found.push_back({Grade::kHint, "governor", "CPUs " + slow,
                     "have the governor " + governor + ": slow when a packet comes", commands});
  return found;
}

Findings check_clock(const FileRoot& root) {
  const auto cpuinfo = root.text("/proc/cpuinfo");
  const auto has = [&](const char* flag) {
    return cpuinfo && cpuinfo->find(std::string(" ") + flag) != std::string::npos;
  };
  if (cpuinfo && !(has("constant_tsc") && has("nonstop_tsc"))) {
    return {{Grade::kBad, "clock", "TSC",
             "its speed changes with the CPU's, or it stops (no constant_tsc, nonstop_tsc): timeouts are wrong",
             "give the virtual machine an invariant TSC (qemu: -cpu host,+invtsc)"}};
  }
  const char* file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const auto source = root.line(file);
  if (!source || *source == "tsc" || *source == "kvm-clock") {
    return {{Grade::kGood, "clock", "TSC", "steady" + (source ? ", clock source " + *source : std::string()), ""}};
  }
  return {{Grade::kHint, "clock", "TSC",
           "Linux does not use it (clock source " + *source + "), which may be for a reason",
           std::string("echo tsc > ") + file + "; dmesg | grep -i tsc"}};
}

Findings check_machine(const FileRoot& root, const Machine& machine, bool is_running) {
  Findings found = check_huge_pages(root, machine, is_running);
  append(found, check_locked_memory(root, machine));
  append(found, check_devices(root, machine));
  append(found, check_cpus(root, machine));
  append(found, check_clock(root));
  return found;
}

}  // namespace shunt::control
