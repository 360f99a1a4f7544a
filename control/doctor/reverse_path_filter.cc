#include <algorithm>

#include "control/doctor/network_checks.h"

namespace shunt::control {

// Linux goes by the stricter of `all` and the interface's own: 0 none, 1 strict, 2 loose.
Findings check_reverse_path_filter(const FileRoot& root, const Machine& machine) {
  const std::string folder = "/proc/sys/net/ipv4/conf/";
  const int64_t all = root.number(folder + "all/rp_filter").value_or(0);
  Findings found;
  for (const Port& port : machine.ports) {
    const std::string& name = port.kernel_port.name;
    if (!port.kernel_port.enabled) continue;
    const auto own = root.number(folder + name + "/rp_filter");
    if (!own) continue;
    // Loose on the interface wins over strict on all (the greater counts).
    if (std::max(all, *own) != 1) {
      found.push_back({Finding::Grade::kGood, "rp_filter", name, "lets replies in by any way", ""});
      continue;
    }
    found.push_back(
        {Finding::Grade::kBad, "rp_filter", name,
         "strict: Linux drops, silently, what comes in by another way than its own route back: answers to health "
         "checks, pings, BGP",
         "sysctl -w net.ipv4.conf." + name + ".rp_filter=2"});
  }
  return found;
}

}  // namespace shunt::control
