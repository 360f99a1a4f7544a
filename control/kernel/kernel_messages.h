// The kernel's rtnetlink messages as plain values. Pure functions; any thread.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/address.h"

namespace shunt::control {

// Each parser returns nullopt for a message that is malformed or of no interest here.

struct LinkMessage {
  int ifindex = 0;
  std::string name;
  // Administratively up. A TAP's running state says only that we hold it open.
  bool up = false;
  uint16_t mtu = 0;
};
std::optional<LinkMessage> parse_link(nlmsghdr* message);

struct AddressMessage {
  int ifindex = 0;
  InterfaceAddress address;
  // False while duplicate address detection runs or after it failed.
  bool usable = true;
};
std::optional<AddressMessage> parse_address(nlmsghdr* message);

struct RouteHop {
  int ifindex = 0;
  // Unset: on-link.
  std::optional<IpAddress> gateway;
};
struct RouteMessage {
  Prefix prefix;
  uint32_t metric = 0;
  std::optional<IpAddress> source;
  // Those that are alive; none for a blackhole and its like.
  std::vector<RouteHop> hops;
};
// Main table only, without routes for one type of service.
std::optional<RouteMessage> parse_route(nlmsghdr* message);

struct NeighbourMessage {
  int ifindex = 0;
  IpAddress address;
  // Set while the kernel would use it itself.
  std::optional<MacAddress> mac;
  // An operator's word (NUD_PERMANENT, NUD_NOARP).
  bool is_fixed = false;
};
// Unicast addresses only.
std::optional<NeighbourMessage> parse_neighbour(nlmsghdr* message);

}  // namespace shunt::control
