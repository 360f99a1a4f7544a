// Is there something at the other end of a port? Drivers of virtual devices know too little: net_tap asks by the
// interface's name, which fails once it was moved to another network namespace, and others never ask again. Control.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shunt::dataplane {

class Link {
 public:
  // Of a started port. `device` is PortOptions::device.
  Link(uint16_t port, std::string_view driver, std::string_view device);

  // net_tap: its interface exists, in whatever namespace. Devices that sit on an interface of ours: that runs. Others:
  // what the driver says.
  bool is_up() const;

 private:
  uint16_t port_;
  int tap_fd_ = -1;        // the driver's; valid while the port is open
  std::string interface_;  // empty: ask the driver
};

}  // namespace shunt::dataplane
