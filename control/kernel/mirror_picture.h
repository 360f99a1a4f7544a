// The kernel mirror's knowledge: what netlink messages add up to, restricted to the kernel ports.
// No I/O. One thread.
#pragma once

#include <linux/netlink.h>

#include <map>
#include <utility>
#include <vector>

#include "control/kernel/kernel_messages.h"
#include "control/kernel/port_interface.h"
#include "control/kernel/view.h"

namespace shunt::control {

class MirrorPicture {
 public:
  explicit MirrorPicture(std::vector<PortInterface> interfaces);

  // Takes an object of a dump (links first, for the others need them).
  void add(nlmsghdr* message);
  // Takes a change of a neighbour; true if a usable one came, went, or has another MAC address.
  bool apply_neighbour(const NeighbourMessage& neighbour, bool deleted);
  // Forgets everything but the interfaces' names.
  void clear();

  // True if the change that `message` (not a neighbour's) tells of makes links, addresses or routes
  // outdated. With `doubtful` false only if it cannot concern a kernel port, whatever the present
  // content.
  bool is_outdated_by(nlmsghdr* message, bool doubtful) const;
  bool holds_interface(int ifindex) const { return links_.contains(ifindex); }

  KernelView view() const;

 private:
  const PortInterface* interface_named(const std::string& name) const;
  bool is_outdated_by_link(const LinkMessage& link, bool deleted, bool doubtful) const;
  bool is_outdated_by_route(const RouteMessage& route, bool doubtful) const;

  std::vector<PortInterface> interfaces_;
  struct Link {
    LinkMessage message;
    KernelLink link;
  };
  std::map<int, Link> links_;
  std::vector<KernelRoute> routes_;
  struct Neighbour {
    MacAddress mac;
    bool is_fixed = false;
    bool operator==(const Neighbour&) const = default;
  };
  std::map<std::pair<int, IpAddress>, Neighbour> neighbours_;
};

}  // namespace shunt::control
