// What can be said of a machine before the daemon runs: by its files and the configuration's machine part. Pure but for
// the files; any thread. One check a file.
#pragma once

#include "control/doctor/file_root.h"
#include "control/doctor/finding.h"
#include "control/model/machine.h"

namespace shunt::control {

// What of the configuration's devices is a network card on PCI: its address; empty: it is none.
std::string pci_address_of(const std::string& device);
// CPUs of the workers; empty where the lcores cannot be read.
std::vector<uint32_t> worker_cpus(const Machine& machine);

// Memory: as much as is needed, of the kind that is asked for. `is_running`: the daemon has its share already.
Findings check_huge_pages(const FileRoot& root, const Machine& machine, bool is_running);
// RLIMIT_MEMLOCK, which VFIO counts against.
Findings check_locked_memory(const FileRoot& root, const Machine& machine);
// Cards: there, bound to a driver that DPDK can use, behind an IOMMU, near their workers.
Findings check_devices(const FileRoot& root, const Machine& machine);
// CPUs: isolated, at full speed.
Findings check_cpus(const FileRoot& root, const Machine& machine);
// The TSC, by which workers tell the time.
Findings check_clock(const FileRoot& root);

// All of these.
Findings check_machine(const FileRoot& root, const Machine& machine, bool is_running);

}  // namespace shunt::control
