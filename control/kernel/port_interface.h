// Which interface of Linux is the kernel port of which DPDK port. By name, because a name outlives
// the interface: one that is deleted and made again has another index. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace shunt::control {

struct PortInterface {
  uint16_t port = 0;  // DPDK port id
  std::string interface;
};

}  // namespace shunt::control
