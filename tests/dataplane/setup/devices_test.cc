#include "dataplane/setup/devices.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// A machine's /sys and /dev in a folder of its own.
class Devices : public testing::Test {
 protected:
  Devices() : root_(fs::path(testing::TempDir()) / ("devices" + std::to_string(getpid()))) {
    fs::create_directories(root_ / "bus/pci/devices");
  }
  ~Devices() override { fs::remove_all(root_); }

  void pci(const std::string& address, const std::string& driver) {
    const fs::path device = root_ / "bus/pci/devices" / address;
    fs::create_directories(device);
    if (!driver.empty()) fs::create_symlink("../../drivers/" + driver, device / "driver");
  }
  Result<void> check(const std::string& device) {
    return check_device({.name = "outside", .device = device}, root_, root_);
  }
  void expect(const std::string& device, ErrorCode code, const std::string& cause) {
    const auto checked = check(device);
    ASSERT_FALSE(checked) << device;
    EXPECT_EQ(checked.error().code, code) << checked.error().message;
    EXPECT_THAT(checked.error().message, HasSubstr("port outside: "));
    EXPECT_THAT(checked.error().message, HasSubstr(cause));
  }

  fs::path root_;
};

TEST_F(Devices, PciDevicesAreFoundByTheirDriver) {
  pci("0000:01:00.0", "vfio-pci");
  pci("0000:01:00.1", "e1000e");
  pci("0000:01:00.2", "");
  pci("0000:01:00.3", "mlx5_core");
  EXPECT_TRUE(check("0000:01:00.0"));
  EXPECT_TRUE(check("01:00.3"));
  expect("01:00.1", ErrorCode::kConflict, "kernel's driver e1000e");
  expect("01:00.1", ErrorCode::kConflict, "dpdk-devbind.py --bind=vfio-pci 0000:01:00.1");
  expect("01:00.2", ErrorCode::kNotFound, "bound to no driver");
  expect("02:00.0", ErrorCode::kNotFound, "no PCI device 0000:02:00.0");
}

TEST_F(Devices, AVdevsInterfaceOrCaptureMustExist) {
  EXPECT_TRUE(check("net_null0"));
  EXPECT_TRUE(check("net_pcap0,iface=lo"));
  expect("net_pcap0,iface=none9", ErrorCode::kNotFound, "no interface none9");
  expect("net_pcap0,rx_iface=lo,tx_iface=none8", ErrorCode::kNotFound, "no interface none8");
  expect("net_pcap0,rx_pcap=/nowhere/x.pcap", ErrorCode::kNotFound, "no capture /nowhere/x.pcap");
  expect("eth0", ErrorCode::kNotFound, "neither a PCI address nor a vdev");
}

TEST_F(Devices, TapsNeedTheTunDevice) {
  expect("net_tap0,iface=x", ErrorCode::kNotFound, "modprobe tun");
  fs::create_directories(root_ / "net");
  std::ofstream(root_ / "net/tun") << "";
  EXPECT_TRUE(check("net_tap0,iface=x"));
}

TEST_F(Devices, ArgumentsOfVdevsAreReadWhole) {
  EXPECT_EQ(vdev_name("net_tap0,iface=x"), "net_tap0");
  EXPECT_EQ(vdev_name("net_null0"), "net_null0");
  EXPECT_EQ(vdev_argument("net_pcap0,rx_iface=a,iface=b", "iface"), "b");
  EXPECT_EQ(vdev_argument("net_pcap0,rx_iface=a", "iface"), std::nullopt);
  EXPECT_EQ(vdev_argument("net_tap0,iface", "iface"), std::nullopt);
}

TEST_F(Devices, TwoPortsOnOneDeviceAreRefused) {
  EXPECT_TRUE(check_distinct({{.name = "a", .device = "net_tap0,iface=x"}, {.name = "b", .device = "net_tap1,iface=y"}}));
  EXPECT_FALSE(check_distinct({{.name = "a", .device = "net_tap0,iface=x"}, {.name = "b", .device = "net_tap0,iface=y"}}));
  EXPECT_FALSE(check_distinct({{.name = "a", .device = "01:00.0"}, {.name = "b", .device = "0000:01:00.0"}}));
  EXPECT_FALSE(check_distinct({{.name = "a", .device = "01:00.0"}, {.name = "a", .device = "01:00.1"}}));
}

}  // namespace
}  // namespace shunt::dataplane
