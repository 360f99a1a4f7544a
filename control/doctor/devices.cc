#include <algorithm>

#include "control/doctor/machine_checks.h"

namespace shunt::control {
namespace {

using Grade = Finding::Grade;

constexpr const char* kDevices = "/sys/bus/pci/devices/";

bool keeps_its_own_driver(const std::string& driver) {
  return driver == "mlx5_core" || driver == "mlx4_core" || driver == "mana";
}

// For vfio-pci.
Finding iommu_of(const FileRoot& root, const std::string& subject, const std::string& address) {
  if (root.exists(kDevices + address + "/iommu_group"))
    return {Grade::kGood, "iommu", subject, "is in an IOMMU group", ""};
  const auto unsafe = root.line("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
  if (unsafe && (*unsafe == "Y" || *unsafe == "1")) {
    return {
        Grade::kHint, "iommu", subject, "no IOMMU, VFIO works without: the card can write to any memory",
        "GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt\" in /etc/default/grub; update-grub; reboot  # AMD: iommu=pt"};
  }
  return {Grade::kBad, "iommu", subject, "no IOMMU: VFIO refuses the card",
          "GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt\" in /etc/default/grub; update-grub; reboot  # in a virtual "
          "machine "
          "without one: echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode"};
}

Finding numa_of(const FileRoot& root, const std::string& subject, const std::string& address, const Machine& machine) {
  const auto node = root.number(kDevices + address + "/numa_node");
  if (!node || *node < 0) return {Grade::kGood, "numa", subject, "the machine has one memory node", ""};
  std::string far;
  for (const uint32_t cpu : worker_cpus(machine)) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/node" + std::to_string(*node);
    if (!root.exists(folder)) far += (far.empty() ? "" : ",") + std::to_string(cpu);
  }
  const std::string where = "memory node " + std::to_string(*node);
  if (far.empty()) return {Grade::kGood, "numa", subject, "its workers' CPUs are of its " + where, ""};
  const auto near = root.line("/sys/devices/system/node/node" + std::to_string(*node) + "/cpulist");
  return {Grade::kHint, "numa", subject,
          "is at " + where + ", worker CPUs " + far + " are not: every packet crosses between",
          "dpdk: {lcores: ...} of CPUs " + near.value_or("of that node")};
}

Findings check_device(const FileRoot& root, const Machine& machine, const Port& port, const std::string& address) {
  const std::string subject = "port " + port.name;
  if (!root.exists(kDevices + address)) {
    return {
        {Grade::kBad, "device", subject, "there is no PCI device " + address, "lspci -D -d ::0200  # lists the cards"}};
  }
  Findings found;
  const auto driver = root.link(kDevices + address + "/driver");
  const std::string bind = "dpdk-devbind.py --bind=vfio-pci " + address;
  if (!driver) {
    found.push_back({Grade::kBad, "driver", subject, address + " has no driver", bind});
  } else if (*driver == "vfio-pci") {
    found.push_back({Grade::kGood, "driver", subject, address + " has vfio-pci", ""});
    found.push_back(iommu_of(root, subject, address));
  } else if (keeps_its_own_driver(*driver)) {
    found.push_back({Grade::kGood, "driver", subject, address + " works with its own driver " + *driver, ""});
  } else if (*driver == "uio_pci_generic" || *driver == "igb_uio") {
    found.push_back(
        {Grade::kHint, "driver", subject, address + " has " + *driver + ", which keeps it from no memory", bind});
  } else {
    found.push_back(
        {Grade::kBad, "driver", subject, address + " has Linux's " + *driver + ": DPDK cannot take it", bind});
  }
  found.push_back(numa_of(root, subject, address, machine));
  return found;
}

}  // namespace

std::string pci_address_of(const std::string& device) {
  // "0000:01:00.0" with device arguments behind, or without the domain.
  const std::string name = device.substr(0, device.find(','));
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  const auto fits = [&](const std::string& text, std::string_view form) {
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), [&](char c, char wanted) {
             return wanted == 'x' ? is_hex(c) : c == wanted;
           });
  };
  if (fits(name, "xxxx:xx:xx.x")) return name;
  return fits(name, "xx:xx.x") ? "0000:" + name : "";
}

Findings check_devices(const FileRoot& root, const Machine& machine) {
  Findings found;
  for (const Port& port : machine.ports) {
    const std::string address = pci_address_of(port.device);
    if (address.empty()) {
      found.push_back(
          {Grade::kGood, "device", "port " + port.name, port.device + " is no PCI device: nothing to bind", ""});
    } else {
      append(found, check_device(root, machine, port, address));
    }
  }
  return found;
}

}  // namespace shunt::control
