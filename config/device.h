// The `device` of a port: a PCI address or a vdev string, either with device arguments. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shunt::config {

struct Device {
  // What EAL knows it by: "0000:01:00.0", "net_tap0".
  std::string id;
  // The Linux interface that its `iface=` argument names; empty: none.
  std::string interface;
};

// nullopt: neither of the two forms.
std::optional<Device> parse_device(std::string_view text);

}  // namespace shunt::config
