// The schema's defaults that depend on other values, said once for the validator and the converter.
// Pure.
#pragma once

#include <cstdint>
#include <string>

#include "shunt/v1/config.pb.h"

namespace shunt::config {

// What Linux takes as an interface name, without the terminating NUL.
inline constexpr size_t kInterfaceNameBytes = 15;

// The kernel port's interface: as given, or "sh-" and the port's name, cut to what Linux takes.
inline std::string interface_of(const v1::Port& port) {
  if (!port.kernel_port().name().empty()) return port.kernel_port().name();
  return ("sh-" + port.name()).substr(0, kInterfaceNameBytes);
}

inline uint32_t port_of(const v1::Real& real, const v1::Service& service) {
  return real.port() == 0 ? service.port() : real.port();
}

inline v1::Method method_of(const v1::Service& service) {
  return service.method() == v1::METHOD_UNSPECIFIED ? v1::METHOD_NAT : service.method();
}

// A TCP connect says nothing about a UDP real: those are checked only where the service asks for
// it.
inline bool checked_by_default(const v1::Service& service) {
  return service.has_health_check() || service.protocol() != v1::PROTOCOL_UDP;
}

// RFC 8200 section 5: what every link that carries IPv6 must take.
inline constexpr uint32_t kLeastIpv6Mtu = 1280;

// The port's MTU where it is too small for IPv6; 0: it is not.
inline uint32_t mtu_below_ipv6(const v1::Port& port) {
  return port.mtu() < kLeastIpv6Mtu ? port.mtu() : 0;
}

}  // namespace shunt::config
