#include <cstdlib>

#include "control/doctor/machine_checks.h"

namespace shunt::control {

Findings check_locked_memory(const FileRoot& root, const Machine& machine) {
  bool needs_it = false;
  for (const Port& port : machine.ports) needs_it |= !pci_address_of(port.device).empty();
  const auto limits = root.text("/proc/self/limits");
  constexpr std::string_view kName = "Max locked memory";
  const size_t at = limits ? limits->find(kName) : std::string::npos;
  if (at == std::string::npos) return {};
  const size_t begin = limits->find_first_not_of(' ', at + kName.size());
  const std::string soft = limits->substr(begin, limits->find(' ', begin) - begin);
  const bool is_enough =
      soft == "unlimited" || std::strtoull(soft.c_str(), nullptr, 10) >= uint64_t{machine.dpdk.memory_mb} << 20;
  if (is_enough)
    return {{Finding::Grade::kGood, "memlock", "RLIMIT_MEMLOCK", soft == "unlimited" ? soft : soft + " bytes", ""}};
  return {{needs_it ? Finding::Grade::kBad : Finding::Grade::kHint, "memlock", "RLIMIT_MEMLOCK",
           soft + " bytes, less than dpdk.memory_mb" +
               (needs_it ? ": VFIO cannot give the memory to a network card" : "; it matters with network cards alone"),
           "ulimit -l unlimited  # under systemd: LimitMEMLOCK=infinity"}};
}

}  // namespace shunt::control
