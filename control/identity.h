// What makes a service and a real the same one through changes of the desired state. Plain values; any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "control/model/desired_state.h"

namespace shunt::control {

// Protocol, first VIP and its ports: the name and further VIPs may change. With a match, which may change as well, the
// name.
struct ServiceKey {
  Protocol protocol = Protocol::kTcp;
  IpAddress address;
  PortRange ports;
  std::string match;  // empty: there is none
  // A rule's of snat: `match` is its name, `address` the unspecified one of its family.
  bool is_snat = false;
  bool operator==(const ServiceKey&) const = default;
};

// A real of a service; connections keep it, so the forwarding method belongs to it.
struct RealKey {
  ServiceKey service;
  IpAddress address;
  uint16_t port = 0;
  Method method = Method::kNat;
  bool operator==(const RealKey&) const = default;
};

inline ServiceKey key_of(const Service& service) {
  if (service.match) return {service.protocol, {}, {}, service.name};
  return {service.protocol, service.address, ports_of(service.port, service.last_port), {}};
}
inline ServiceKey key_of(const SnatRule& rule) { return {Protocol::kTcp, {family_of(rule), {}}, {}, rule.name, true}; }
inline RealKey real_key_of(const SnatRule& rule) { return {key_of(rule), {family_of(rule), {}}, 0, Method::kSnat}; }
inline RealKey key_of(const Service& service, const Real& real) {
  return {key_of(service), real.address, real.port, service.method};
}

// "10.0.0.1:80"
inline std::string address_and_port(const IpAddress& address, uint16_t port) {
  return (address.is_v4() ? address.to_string() : "[" + address.to_string() + "]") + ":" + std::to_string(port);
}

// "10.0.0.1:80", "10.0.0.1:1000-1999"; all ports: "10.0.0.1:0", as ipvsadm shows them.
inline std::string address_and_ports(const Vip& vip) {
  const PortRange& ports = vip.ports;
  const std::string text = address_and_port(vip.address, ports == kAllPorts ? uint16_t{0} : ports.first);
  return ports == kAllPorts || ports.is_one() ? text : text + "-" + std::to_string(ports.last);
}
inline std::string text_of(const ServiceKey& key) {
  if (key.is_snat) return "snat " + key.match;
  return key.match.empty() ? address_and_ports({key.address, key.ports}) : "match " + key.match;
}

inline uint64_t mix(uint64_t seed, uint64_t value) noexcept {
  seed = (seed ^ value) * 0x9e3779b97f4a7c15u;
  return seed ^ (seed >> 29);
}
inline uint64_t hash_of(const IpAddress& address, uint16_t port) noexcept {
  uint64_t halves[2];
  std::memcpy(halves, address.bytes.data(), sizeof halves);
  return mix(mix(mix(port, halves[0]), halves[1]), static_cast<uint64_t>(address.family));
}

struct KeyHash {
  size_t operator()(const ServiceKey& key) const noexcept {
    const uint64_t vip = mix(hash_of(key.address, key.ports.first), key.ports.last);
    return mix(mix(vip, std::hash<std::string>{}(key.match)), static_cast<uint64_t>(key.protocol) + (key.is_snat ? 256 : 0));
  }
  size_t operator()(const RealKey& key) const noexcept {
    return mix(mix((*this)(key.service), hash_of(key.address, key.port)), static_cast<uint64_t>(key.method));
  }
  size_t operator()(const IpAddress& address) const noexcept { return hash_of(address, 0); }
};

}  // namespace shunt::control
