// The schema's defaults that depend on other values, said once for the validator and the converter.
// Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// What Linux takes as an interface name, without the terminating NUL.
inline constexpr size_t kInterfaceNameBytes = 15;

// The kernel port's interface: as given, or "sh-" and the port's name, cut to what Linux takes.
inline std::string interface_of(const v1::Port& port) {
  if (!port.kernel_port().name().empty()) return port.kernel_port().name();
  return ("sh-" + port.name()).substr(0, kInterfaceNameBytes);
}

// It is said what the service is found by.
inline bool has_ports(const v1::Service& service) {
  return service.has_match() || service.all_ports() || service.port() != 0;
}

// All VIPs of the service have one port, the same: reals without a port have it, too.
inline bool has_one_port(const v1::Service& service) {
  const auto is_single = [&service](const v1::Vip& vip) {
    return vip.port() == service.port() && (vip.last_port() == 0 || vip.last_port() == vip.port());
  };
  return !service.has_match() && service.port() != 0 &&
         (service.last_port() == 0 || service.last_port() == service.port()) &&
         std::all_of(service.more_vips().begin(), service.more_vips().end(), is_single);
}

// 0: the real keeps the ports that packets come for.
inline uint32_t port_of(const v1::Real& real, const v1::Service& service) {
  const bool keeps = real.port() == 0 && !has_one_port(service);
  return keeps ? 0 : real.port() == 0 ? service.port() : real.port();
}

// Of a service's first VIP, a further one, or a match (first_port).
inline control::PortRange ports_of(uint32_t first, uint32_t last) {
  return control::ports_of(static_cast<uint16_t>(first), static_cast<uint16_t>(last));
}

inline v1::Method method_of(const v1::Service& service) {
  return service.method() == v1::METHOD_UNSPECIFIED ? v1::METHOD_NAT : service.method();
}

// A TCP connect says nothing about a UDP or SCTP real: those are checked only where the service asks
// for it.
inline bool checked_by_default(const v1::Service& service) {
  return service.has_health_check() ||
         (service.protocol() != v1::PROTOCOL_UDP && service.protocol() != v1::PROTOCOL_SCTP);
}

// RFC 8200 section 5: what every link that carries IPv6 must take.
inline constexpr uint32_t kLeastIpv6Mtu = 1280;

// The port's MTU where it is too small for IPv6; 0: it is not.
inline uint32_t mtu_below_ipv6(const v1::Port& port) {
  return port.mtu() < kLeastIpv6Mtu ? port.mtu() : 0;
}

}  // namespace shunt::config
