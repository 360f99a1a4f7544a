#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>

#include "control/doctor/network_checks.h"

namespace shunt::control {
namespace {

using Grade = Finding::Grade;
constexpr const char* kCheck = "kernel_port";

bool has(const Interface& interface, const IpAddress& address) {
  return std::find(interface.addresses.begin(), interface.addresses.end(), address) != interface.addresses.end();
}

std::string as_host(const IpAddress& address) { return address.to_string() + (address.is_v4() ? "/32" : "/128"); }

Findings check_kernel_port(const Port& port, const std::vector<Interface>& interfaces) {
  const std::string& name = port.kernel_port.name;
  const auto found =
      std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& each) { return each.name == name; });
  if (found == interfaces.end()) {
    return {{Grade::kBad, kCheck, name, "is not in this network namespace: Linux sees nothing of port " + port.name,
             "systemctl restart shunt  # makes it anew"}};
  }
  Findings bad;
  if (!found->up) {
    bad.push_back(
        {Grade::kBad, kCheck, name, "is down: nothing passes port " + port.name, "ip link set " + name + " up"});
  }
  for (const InterfaceAddress& address : port.kernel_port.addresses) {
    if (has(*found, address.address)) continue;
    bad.push_back({Grade::kBad, kCheck, name, "has lost its address " + address.to_string(),
                   "ip addr add " + address.to_string() + " dev " + name});
  }
  if (!bad.empty()) return bad;
  return {{Grade::kGood, kCheck, name, "is up, with " + std::to_string(found->addresses.size()) + " addresses", ""}};
}

Findings check_vip(const Machine& machine, const IpAddress& vip, const std::vector<Interface>& interfaces,
                   const FileRoot& root) {
  const auto is_kernel_port = [&](const std::string& name) {
    return std::any_of(machine.ports.begin(), machine.ports.end(),
                       [&](const Port& port) { return port.kernel_port.enabled && port.kernel_port.name == name; });
  };
  Findings found;
  std::string ours;
  for (const Interface& interface : interfaces) {
    if (!has(interface, vip)) continue;
    if (is_kernel_port(interface.name)) {
      ours = interface.name;
      continue;
    }
    const bool answers = root.number("/proc/sys/net/ipv4/conf/all/arp_ignore").value_or(0) == 0 && vip.is_v4();
    found.push_back(
        {interface.name == "lo" ? Grade::kHint : Grade::kBad, "vip", vip.to_string(),
         "is on " + interface.name + ", too" +
             (answers ? ": Linux answers ARP for it on every interface (arp_ignore=0), and its packets pass us by"
                      : ": packets for it there pass us by"),
         "ip addr del " + as_host(vip) + " dev " + interface.name});
  }
  if (ours.empty()) {
    const auto first = std::find_if(machine.ports.begin(), machine.ports.end(),
                                    [](const Port& port) { return port.kernel_port.enabled; });
    if (first != machine.ports.end()) {
      found.push_back({Grade::kBad, "vip", vip.to_string(), "is on no kernel port: nobody answers ARP for it",
                       "ip addr add " + as_host(vip) + " dev " + first->kernel_port.name});
    }
  } else if (found.empty()) {
    found.push_back({Grade::kGood, "vip", vip.to_string(), "is on " + ours, ""});
  }
  return found;
}

}  // namespace

std::vector<Interface> read_interfaces() {
  std::vector<Interface> interfaces;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return interfaces;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    auto at = std::find_if(interfaces.begin(), interfaces.end(),
                           [&](const Interface& known) { return known.name == each->ifa_name; });
    if (at == interfaces.end()) at = interfaces.insert(at, {each->ifa_name, (each->ifa_flags & IFF_UP) != 0, {}});
    if (each->ifa_addr == nullptr) continue;
    if (each->ifa_addr->sa_family == AF_INET) {
      const auto& address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
      at->addresses.push_back(IpAddress::from_v4(Be32{address.s_addr}));
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      at->addresses.push_back(IpAddress::from_v6(&reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr));
    }
  }
  freeifaddrs(list);
  return interfaces;
}

Findings check_kernel_ports(const Machine& machine, const std::vector<IpAddress>& vips,
                            const std::vector<Interface>& interfaces, const FileRoot& root) {
  Findings found;
  for (const Port& port : machine.ports) {
    if (port.kernel_port.enabled) append(found, check_kernel_port(port, interfaces));
  }
  for (const IpAddress& vip : vips) append(found, check_vip(machine, vip, interfaces, root));
  return found;
}

}  // namespace shunt::control
