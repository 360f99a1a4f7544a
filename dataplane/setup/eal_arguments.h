// DataplaneOptions in EAL's words. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/setup/dataplane.h"
#include "dataplane/setup/lcores.h"

namespace shunt::dataplane {

// "0000:01:00.0" or "01:00.0".
bool is_pci_address(std::string_view device) noexcept;
// With the domain: "0000:01:00.0". REQUIRES is_pci_address(device).
std::string full_pci_address(std::string_view device);

// The argument vector, program name first. Hugepages are unlinked as soon as they are mapped, so that a killed
// daemon leaves none behind; the price is that no secondary process (dpdk-dumpcap) can attach. PCI devices are
// named here, since EAL chooses its address mode by them; vdevs are probed later, one by one, for better errors.
std::vector<std::string> eal_arguments(const DataplaneOptions& options, const std::vector<Lcore>& lcores);

// kInvalid for an extra argument that would contradict ours, or make EAL end the process.
Result<void> check_extra_arguments(const std::vector<std::string>& arguments);

}  // namespace shunt::dataplane
