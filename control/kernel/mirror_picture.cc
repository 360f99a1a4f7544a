#include "control/kernel/mirror_picture.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <tuple>

namespace shunt::control {

MirrorPicture::MirrorPicture(std::vector<PortInterface> interfaces)
    : interfaces_(std::move(interfaces)) {}

const PortInterface* MirrorPicture::interface_named(const std::string& name) const {
  const auto found =
      std::find_if(interfaces_.begin(), interfaces_.end(),
                   [&](const PortInterface& each) { return each.interface == name; });
  return found == interfaces_.end() ? nullptr : &*found;
}

void MirrorPicture::clear() {
  links_.clear();
  routes_.clear();
  neighbours_.clear();
}

void MirrorPicture::add(nlmsghdr* message) {
  switch (message->nlmsg_type) {
    case RTM_NEWLINK: {
      const auto link = parse_link(message);
      const PortInterface* interface = link ? interface_named(link->name) : nullptr;
      if (interface != nullptr)
        links_[link->ifindex] = {*link, {interface->port, link->up, link->mtu, {}}};
      break;
    }
    case RTM_NEWADDR: {
      const auto address = parse_address(message);
      if (address && address->usable && holds_interface(address->ifindex))
        links_[address->ifindex].link.addresses.push_back(address->address);
      break;
    }
    case RTM_NEWROUTE: {
      const auto route = parse_route(message);
      if (!route) break;
      for (const RouteHop& hop : route->hops) {
        const auto link = links_.find(hop.ifindex);
        if (link != links_.end())
          routes_.push_back(
              {route->prefix, link->second.link.port, hop.gateway, route->metric, route->source});
      }
      break;
    }
    case RTM_NEWNEIGH: {
      if (const auto neighbour = parse_neighbour(message)) apply_neighbour(*neighbour, false);
      break;
    }
    default:
      break;
  }
}

bool MirrorPicture::apply_neighbour(const NeighbourMessage& neighbour, bool deleted) {
  if (!holds_interface(neighbour.ifindex)) return false;
  const std::pair key(neighbour.ifindex, neighbour.address);
  if (deleted || !neighbour.mac) return neighbours_.erase(key) > 0;
  const Neighbour now{*neighbour.mac, neighbour.is_fixed};
  const auto [entry, added] = neighbours_.try_emplace(key, now);
  if (!added && entry->second == now) return false;
  entry->second = now;
  return true;
}

bool MirrorPicture::is_outdated_by(nlmsghdr* message, bool doubtful) const {
  switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const auto link = parse_link(message);
      return link && is_outdated_by_link(*link, message->nlmsg_type == RTM_DELLINK, doubtful);
    }
    case RTM_NEWADDR: {
      const auto address = parse_address(message);
      return address && holds_interface(address->ifindex);
    }
    case RTM_DELADDR: {
      const auto address = parse_address(message);
      if (!address) return false;
      // Routes with that source go silently, on whichever interface it was.
      return doubtful || holds_interface(address->ifindex) ||
             std::any_of(routes_.begin(), routes_.end(), [&](const KernelRoute& route) {
               return route.source == address->address.address;
             });
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto route = parse_route(message);
      return route && is_outdated_by_route(*route, doubtful);
    }
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      // Routes that use the object change with it, silently.
      return true;
    default:
      return false;
  }
}

bool MirrorPicture::is_outdated_by_link(const LinkMessage& link, bool deleted,
                                        bool doubtful) const {
  const auto held = links_.find(link.ifindex);
  const bool ours = interface_named(link.name) != nullptr;
  if (held == links_.end()) return ours && !deleted;
  if (deleted || doubtful) return true;
  // Link messages come for many reasons, statistics among them.
  const LinkMessage& old = held->second.message;
  return std::tie(old.name, old.up, old.mtu) != std::tie(link.name, link.up, link.mtu);
}

bool MirrorPicture::is_outdated_by_route(const RouteMessage& route, bool doubtful) const {
  if (std::any_of(route.hops.begin(), route.hops.end(),
                  [&](const RouteHop& hop) { return holds_interface(hop.ifindex); }))
    return true;
  // Another interface's route may have replaced ours.
  return doubtful || std::any_of(routes_.begin(), routes_.end(), [&](const KernelRoute& held) {
           return held.prefix == route.prefix;
         });
}

KernelView MirrorPicture::view() const {
  KernelView view;
  for (const auto& [ifindex, link] : links_) view.links.push_back(link.link);
  view.routes = routes_;
  for (const auto& [key, neighbour] : neighbours_) {
    view.neighbours.push_back({links_.at(key.first).link.port, key.second, neighbour.mac, neighbour.is_fixed});
  }
  std::sort(view.links.begin(), view.links.end(),
            [](const KernelLink& a, const KernelLink& b) { return a.port < b.port; });
  // Stable: of equals, the kernel prefers the first.
  std::stable_sort(view.routes.begin(), view.routes.end(),
                   [](const KernelRoute& a, const KernelRoute& b) {
                     return std::tie(a.prefix, a.metric) < std::tie(b.prefix, b.metric);
                   });
  std::sort(view.neighbours.begin(), view.neighbours.end(),
            [](const KernelNeighbour& a, const KernelNeighbour& b) {
              return std::tie(a.port, a.address) < std::tie(b.port, b.address);
            });
  return view;
}

}  // namespace shunt::control
