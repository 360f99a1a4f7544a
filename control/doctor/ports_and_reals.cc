#include <algorithm>

#include "control/doctor/network_checks.h"

namespace shunt::control {
namespace {

using Grade = Finding::Grade;

constexpr std::string_view kUnresolved = "unresolved: ";

// "10.0.0.1 on inside" of "unresolved: 10.0.0.1 on inside": whom to ask, and where.
std::pair<std::string, std::string> asked_of(const std::string& next_hop) {
  const std::string rest = next_hop.substr(kUnresolved.size());
  const size_t on = rest.find(" on ");
  return {rest.substr(0, on), on == std::string::npos ? "" : rest.substr(on + 4)};
}

std::string kernel_port_of(const std::vector<PortState>& ports, const std::string& name) {
  for (const PortState& port : ports) {
    if ((name.empty() || port.name == name) && !port.kernel_port.empty()) return port.kernel_port;
  }
  return "DEVICE";
}

Finding check_real(const std::string& subject, const RealState& real, const std::vector<PortState>& ports) {
  const std::string address = real.address.to_string();
  if (real.next_hop == "no route") {
    // The last port is the reals' side in most configurations; a person knows better.
    const std::string device = ports.empty() ? "DEVICE" : kernel_port_of(ports, ports.back().name);
    return {Grade::kBad, "route", subject, "there is no route to " + address + ": its packets are dropped (no_route)",
            "ip route add " + address + (real.address.is_v4() ? "/32" : "/128") + " via GATEWAY dev " + device};
  }
  if (!real.next_hop.starts_with(kUnresolved)) return {Grade::kGood, "route", subject, real.next_hop, ""};
  const auto [neighbour, port] = asked_of(real.next_hop);
  const bool is_missed = real.health == Health::kDown;
  return {is_missed ? Grade::kBad : Grade::kHint, "neighbour", subject,
          neighbour + " does not answer " + (real.address.is_v4() ? "ARP" : "neighbour solicitations") + " on port " +
              port + (is_missed ? "" : ", or was not asked yet: no packet has gone there"),
          "ping -c 1 -I " + kernel_port_of(ports, port) + " " + neighbour +
              "  # and look at the machine, its cable and its VLAN"};
}

}  // namespace

Findings check_ports(const std::vector<PortState>& ports, size_t workers) {
  Findings found;
  for (const PortState& port : ports) {
    const std::string subject = "port " + port.name;
    if (!port.link_up) {
      found.push_back({Grade::kBad, "link", subject, "has no link: what should leave by it is dropped (port_down)",
                       "check cable and switch, or the other end of " + port.device});
    } else {
      found.push_back({Grade::kGood, "link", subject, "is up, " + port.driver, ""});
    }
    if (workers > 1 && !port.steered) {
      found.push_back(
          {Grade::kHint, "rss", subject,
           "does not bring fullnat's replies to their workers: they are handed from one to another in software",
           "journalctl -u shunt | grep 'port " + port.name +
               "'  # says why; a card whose driver sets RSS key and table does"});
    } else if (workers > 1) {
      found.push_back({Grade::kGood, "rss", subject, "brings packets to their workers", ""});
    }
    if (port.rx_missed + port.rx_no_mbuf > 0) {
      found.push_back({Grade::kHint, "rx", subject,
                       std::to_string(port.rx_missed + port.rx_no_mbuf) + " packets came faster than they were taken",
                       "ports: [{descriptors: 4096}], or more workers (dpdk.lcores)"});
    }
  }
  return found;
}

Findings check_reals(const std::vector<ServiceState>& services, const std::vector<PortState>& ports) {
  Findings found;
  for (const ServiceState& service : services) {
    for (const RealState& real : service.reals) {
      if (!real.removed) found.push_back(check_real(service.name + "/" + real.name, real, ports));
    }
  }
  return found;
}

}  // namespace shunt::control
