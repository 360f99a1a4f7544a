// Can each port's device be opened? Looked up in sysfs before EAL tries, since EAL says only that it failed. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/setup/dataplane.h"

namespace shunt::dataplane {

// "net_tap0,iface=x": the driver's name of the device, "net_tap0".
std::string_view vdev_name(std::string_view device) noexcept;
// The value of a vdev string's argument: vdev_argument("net_tap0,iface=x", "iface") is "x".
std::optional<std::string_view> vdev_argument(std::string_view device, std::string_view key) noexcept;

// A PCI device exists and is bound to a driver that DPDK uses; a vdev's interface or file exists; the process may do
// what the driver needs. Errors as Dataplane::start's. `sys` and `dev` are /sys and /dev but in tests.
Result<void> check_device(const PortOptions& port, const std::string& sys = "/sys", const std::string& dev = "/dev");

// No two ports share a name or device (kInvalid).
Result<void> check_distinct(const std::vector<PortOptions>& ports);

}  // namespace shunt::dataplane
