#include "dataplane/setup/devices.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "dataplane/setup/eal_arguments.h"

namespace shunt::dataplane {
namespace {

namespace fs = std::filesystem;

// Kernel drivers whose devices DPDK drives beside (mlx) or through them.
constexpr std::array<std::string_view, 7> kDpdkDrivers = {
    "vfio-pci", "igb_uio", "uio_pci_generic", "mlx4_core", "mlx5_core", "nfp_uio", "mana"};

Error fail(ErrorCode code, const PortOptions& port, const std::string& cause, const std::string& remedy) {
  return {code, "port " + port.name + ": " + cause + "; " + remedy};
}

bool has_capability(unsigned capability) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return true;
  return (data[capability / 32].effective >> (capability % 32)) & 1;
}

// VFIO lets one process at a time open an IOMMU group.
Result<void> check_vfio(const PortOptions& port, const fs::path& device, const std::string& dev) {
  std::error_code ignored;
  const fs::path group = fs::read_symlink(device / "iommu_group", ignored).filename();
  if (group.empty()) return {};
  const std::string file = dev + "/vfio/" + group.string();
  const int opened = open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (opened >= 0) {
    close(opened);
    return {};
  }
  if (errno == EBUSY) {
    return fail(ErrorCode::kConflict, port, port.device + " is in use by another process (" + file + ")",
                "stop it, fuser " + file + " names it");
  }
  if (errno == EACCES || errno == EPERM) {
    return fail(ErrorCode::kPermission, port, "may not open " + file, "run as root or give this user access to it");
  }
  return {};
}

Result<void> check_pci(const PortOptions& port, const std::string& sys, const std::string& dev) {
  const std::string address = full_pci_address(port.device);
  const fs::path device = fs::path(sys) / "bus/pci/devices" / address;
  std::error_code ignored;
  if (!fs::exists(device, ignored)) {
    return fail(ErrorCode::kNotFound, port, "no PCI device " + address, "dpdk-devbind.py --status lists what there is");
  }
  const std::string driver = fs::read_symlink(device / "driver", ignored).filename();
  const std::string bind = "dpdk-devbind.py --bind=vfio-pci " + address;
  if (driver.empty()) return fail(ErrorCode::kNotFound, port, address + " is bound to no driver", bind);
  if (std::find(kDpdkDrivers.begin(), kDpdkDrivers.end(), driver) == kDpdkDrivers.end()) {
    return fail(ErrorCode::kConflict, port, address + " belongs to the kernel's driver " + driver,
                "take its addresses off and run " + bind);
  }
  return driver == "vfio-pci" ? check_vfio(port, device, dev) : Result<void>();
}

struct Need {
  std::string_view driver;
  unsigned capability;
  std::string_view name;
};
constexpr std::array<Need, 3> kNeeds = {{{"net_tap", CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                         {"net_af_packet", CAP_NET_RAW, "CAP_NET_RAW"},
                                         {"net_af_xdp", CAP_NET_ADMIN, "CAP_NET_ADMIN"}}};

// Asks the kernel, not sysfs, which may show another network namespace.
Result<void> check_interface(const PortOptions& port, std::string_view key) {
  const auto interface = vdev_argument(port.device, key);
  if (!interface || if_nametoindex(std::string(*interface).c_str()) != 0) return {};
  return fail(ErrorCode::kNotFound, port, "no interface " + std::string(*interface) + " (" + port.device + ")",
              "create it or correct ports.device, ip link lists what there is");
}

Result<void> check_vdev(const PortOptions& port, const std::string& dev) {
  const std::string_view name = vdev_name(port.device);
  if (!name.starts_with("net_") && !name.starts_with("eth_")) {
    return fail(ErrorCode::kNotFound, port, "\"" + port.device + "\" is neither a PCI address nor a vdev",
                "write 0000:01:00.0 or a vdev such as net_af_packet0,iface=eth1");
  }
  for (const Need& need : kNeeds) {
    if (!name.starts_with(need.driver) || has_capability(need.capability)) continue;
    return fail(ErrorCode::kPermission, port, std::string(need.driver) + " needs " + std::string(need.name),
                "run as root, or add AmbientCapabilities=" + std::string(need.name) + " to the unit");
  }
  std::error_code ignored;
  if (name.starts_with("net_tap") && !fs::exists(dev + "/net/tun", ignored)) {
    return fail(ErrorCode::kNotFound, port, "no " + dev + "/net/tun", "modprobe tun");
  }
  if (name.starts_with("net_af_packet") || name.starts_with("net_af_xdp") || name.starts_with("net_pcap")) {
    for (const std::string_view key : {"iface", "rx_iface", "tx_iface", "rx_iface_in"}) {
      if (auto found = check_interface(port, key); !found) return found;
    }
  }
  if (const auto capture = vdev_argument(port.device, "rx_pcap"); capture && !fs::exists(*capture, ignored)) {
    return fail(ErrorCode::kNotFound, port, "no capture " + std::string(*capture), "correct rx_pcap");
  }
  return {};
}

}  // namespace

std::string_view vdev_name(std::string_view device) noexcept { return device.substr(0, device.find(',')); }

std::optional<std::string_view> vdev_argument(std::string_view device, std::string_view key) noexcept {
  size_t comma = device.find(',');
  while (comma != std::string_view::npos) {
    const std::string_view rest = device.substr(comma + 1);
    const std::string_view argument = rest.substr(0, rest.find(','));
    if (argument.starts_with(key) && argument.substr(key.size()).starts_with('=')) {
      return argument.substr(key.size() + 1);
    }
    comma = device.find(',', comma + 1);
  }
  return std::nullopt;
}

Result<void> check_device(const PortOptions& port, const std::string& sys, const std::string& dev) {
  return is_pci_address(port.device) ? check_pci(port, sys, dev) : check_vdev(port, dev);
}

Result<void> check_distinct(const std::vector<PortOptions>& ports) {
  const auto identity = [](const PortOptions& port) {
    return is_pci_address(port.device) ? full_pci_address(port.device) : std::string(vdev_name(port.device));
  };
  for (size_t i = 0; i < ports.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (ports[i].name == ports[j].name) {
        return fail(ErrorCode::kInvalid, ports[i], "two ports have this name", "rename one");
      }
      if (identity(ports[i]) == identity(ports[j])) {
        return fail(ErrorCode::kInvalid, ports[i], "port " + ports[j].name + " has the same device " + identity(ports[j]),
                    "give each its own; vdevs of one driver are numbered, net_tap0 and net_tap1");
      }
    }
  }
  return {};
}

}  // namespace shunt::dataplane
