// What Linux's network stack says of the kernel ports, as plain values: mirrored by netlink (mirror.h), or written by
// the configuration's static next hops. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/address.h"

namespace shunt::control {

// `port` is the DPDK port id of the kernel port's port throughout.
struct KernelLink {
  uint16_t port = 0;
  bool up = false;
  uint16_t mtu = 0;
  // Addresses on the interface, in the kernel's order, with their prefix lengths.
  std::vector<InterfaceAddress> addresses;
  bool operator==(const KernelLink&) const = default;
};

struct KernelRoute {
  Prefix prefix;
  uint16_t port = 0;
  // Unset: on-link.
  std::optional<IpAddress> gateway;
  // Lower is preferred among routes of the same prefix.
  uint32_t metric = 0;
  // The source the kernel prefers on this route, if any.
  std::optional<IpAddress> source;
  bool operator==(const KernelRoute&) const = default;
};

struct KernelNeighbour {
  uint16_t port = 0;
  IpAddress address;
  MacAddress mac;
  // An operator's word (NUD_PERMANENT, NUD_NOARP): nobody is asked about it.
  bool is_fixed = false;
  bool operator==(const KernelNeighbour&) const = default;
};

struct KernelView {
  std::vector<KernelLink> links;
  std::vector<KernelRoute> routes;
  // Only neighbours whose MAC address may be used (NUD_VALID states).
  std::vector<KernelNeighbour> neighbours;
  bool operator==(const KernelView&) const = default;
};

}  // namespace shunt::control
