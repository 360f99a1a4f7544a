// What the operator wants, as plain values: the control side's own form of proto/shunt/v1/config.proto. Built
// only from validated input (config/), so every invariant of the schema's comments holds here. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/model/access.h"
#include "control/model/health_check.h"
#include "control/model/limits.h"
#include "control/model/policies.h"
#include "dataplane/sysctls.h"
#include "dataplane/types.h"
#include "src/base/address.h"
#include "src/base/address_range.h"

namespace shunt::control {

using dataplane::Application;
using dataplane::ClientAddress;
using dataplane::ClientAddressKind;
using dataplane::Method;
using dataplane::NoReal;
using dataplane::Protocol;
using dataplane::SchedulerKind;
using dataplane::Sysctls;
using dataplane::Tunnel;
using dataplane::TunnelKind;

// How sh, mh and conhash go by the client; the others have these defaults.
struct SchedulerFlags {
  // The client's port counts, not its address alone.
  bool port = false;
  // A client whose real is drained goes on to another one.
  bool fallback = true;
  // conhash: percent of its share that a real may have; 0: any.
  uint16_t load_bound = 125;
  bool operator==(const SchedulerFlags&) const = default;
};

constexpr bool has_flags(SchedulerKind scheduler) noexcept {
  return scheduler == SchedulerKind::kSh || scheduler == SchedulerKind::kMh || scheduler == SchedulerKind::kConhash;
}
// Of those, which have a load_bound instead of a fallback.
constexpr bool has_load_bound(SchedulerKind scheduler) noexcept { return scheduler == SchedulerKind::kConhash; }

// Idle timeouts. Unset: the next outer level's (service -> desired state -> IPVS's default).
struct Timeouts {
  // Indexed by dataplane::TimeoutKind.
  std::array<std::optional<Milliseconds>, dataplane::kTimeoutKinds> values;
  bool operator==(const Timeouts&) const = default;
};

// A client keeps its real.
struct Persistence {
  Milliseconds timeout{300'000};
  uint8_t ipv4_prefix = 32;
  uint8_t ipv6_prefix = 128;
  // Each of its calls does, by SIP's Call-ID.
  bool by_call = false;
  bool operator==(const Persistence&) const = default;
};

struct Real {
  std::string name;
  IpAddress address;
  // 0: it keeps the port that a packet came for.
  uint16_t port = 0;
  uint32_t weight = 1;
  // Set while drained: the weight that undoing the drain restores; `weight` is 0 then.
  std::optional<uint32_t> weight_before_drain;
  // Connections from which on it gets no more, and below which it does again; 0: none, three quarters.
  uint32_t upper_threshold = 0;
  uint32_t lower_threshold = 0;
  // For connections that no other real may take.
  bool sorry = false;
  // In place of the service's.
  std::optional<Tunnel> tunnel;
  bool operator==(const Real&) const = default;
};

struct PortRange {
  uint16_t first = 0;
  uint16_t last = UINT16_MAX;
  auto operator<=>(const PortRange&) const = default;
  bool is_one() const noexcept { return first == last; }
  bool contains(const PortRange& other) const noexcept { return first <= other.first && other.last <= last; }
};
inline constexpr PortRange kAllPorts{};

struct Vip {
  IpAddress address;
  PortRange ports;
  auto operator<=>(const Vip&) const = default;
};

// What a service is found by in place of VIPs.
struct Match {
  // All of one family, and one of the two is not empty. Empty: any address.
  std::vector<Prefix> clients;
  std::vector<Prefix> vips;
  PortRange ports;
  // Name of the port that packets come in on; empty: any.
  std::string ingress_port;
  bool operator==(const Match&) const = default;
};

struct Service {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  // The first VIP: ports `port`..`last_port`, `port` alone where last_port is 0, all where both are. Unset with a
  // match.
  IpAddress address;
  uint16_t port = 0;
  uint16_t last_port = 0;
  std::vector<Vip> more_vips;
  std::optional<Match> match;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  // The defaults unless has_flags(scheduler).
  SchedulerFlags scheduler_flags;
  Method method = Method::kNat;
  std::vector<Real> reals;
  HealthCheck health_check;
  // Name of the pool; empty unless method is fullnat.
  std::string local_addresses;
  Timeouts timeouts;
  // Name of the port whose kernel port carries the VIP; empty: the first that has one.
  std::string vip_port;
  // Connections open by any TCP packet but an RST.
  bool sloppy_tcp = false;
  // Bytes; 0: SYNs say what they like.
  uint16_t max_segment_size = 0;
  // UDP: each datagram gets a real of its own, and no connection.
  bool one_packet = false;
  std::optional<Persistence> persistence;
  NoReal no_real = NoReal::kUnreachable;
  // By any SCTP packet but an ABORT.
  bool sloppy_sctp = false;
  // Of method tunnel; under the others the default.
  Tunnel tunnel;
  // Unset: the service is up as long as a real is.
  std::optional<Quorum> quorum;
  // 0: a real that comes up has its whole weight at once.
  Milliseconds slow_start{0};
  // Percent of the reals; 0: never.
  uint32_t panic_threshold = 0;
  // Unset: every client may open connections.
  std::optional<Access> access;
  // Unset: there are none.
  std::optional<Limits> limits;
  // Of method fullnat; under the others the default.
  ClientAddress client_address;
  // Of TCP under nat and fullnat.
  Application application = Application::kNone;
  bool operator==(const Service&) const = default;
};

// Of the first VIP. REQUIRES: no match.
constexpr PortRange ports_of(uint16_t port, uint16_t last_port) noexcept {
  if (port == 0 && last_port == 0) return kAllPorts;
  return {port, last_port == 0 ? port : last_port};
}
// The first VIP, then the others; none with a match.
inline std::vector<Vip> vips_of(const Service& service) {
  if (service.match) return {};
  std::vector<Vip> vips{{service.address, ports_of(service.port, service.last_port)}};
  vips.insert(vips.end(), service.more_vips.begin(), service.more_vips.end());
  return vips;
}
// The addresses that kernel ports answer for: VIPs, and prefixes of one address of a match. Perhaps some twice.
inline std::vector<IpAddress> addresses_of(const Service& service) {
  std::vector<IpAddress> addresses;
  for (const Vip& vip : vips_of(service)) addresses.push_back(vip.address);
  if (!service.match) return addresses;
  for (const Prefix& prefix : service.match->vips) {
    if (prefix.is_one_address()) addresses.push_back(prefix.address);
  }
  return addresses;
}
// Of its VIPs, its prefixes and its reals.
inline AddressFamily family_of(const Service& service) {
  if (!service.match) return service.address.family;
  const auto& prefixes = service.match->vips.empty() ? service.match->clients : service.match->vips;
  return prefixes.empty() ? AddressFamily::kIpv4 : prefixes.front().address.family;
}

// How packets of the service reach the real under method tunnel.
inline const Tunnel& tunnel_of(const Service& service, const Real& real) noexcept {
  return real.tunnel ? *real.tunnel : service.tunnel;
}

struct LocalAddressPool {
  std::string name;
  std::vector<IpAddress> addresses;
  // Name of the port whose kernel port answers; empty: the first that has one.
  std::string port;
  bool operator==(const LocalAddressPool&) const = default;
};

// Those behind Shunt reach out from addresses of its own.
struct SnatRule {
  std::string name;
  // All of one family, which is the rule's; not empty.
  std::vector<Prefix> sources;
  // Empty: anywhere.
  std::vector<Prefix> destinations;
  // kTcp, kUdp, kIcmp, which stands for ICMPv6 as well; in that order, not empty.
  std::vector<Protocol> protocols;
  // Names of ports; empty: any.
  std::string ingress_port;
  std::string egress_port;
  // The pool; not empty.
  std::vector<AddressRange> addresses;
  PortRange ports{1024, UINT16_MAX};
  // Name of the port whose kernel port answers; empty: egress_port's if it has one, else the first.
  std::string kernel_port;
  Timeouts timeouts;
  bool operator==(const SnatRule&) const = default;
};

inline AddressFamily family_of(const SnatRule& rule) noexcept { return rule.sources.front().address.family; }

struct DesiredState {
  Timeouts timeouts;
  std::vector<LocalAddressPool> local_addresses;
  std::vector<Service> services;
  Sysctls sysctls;
  std::vector<AccessList> access_lists;
  // In the order in which they are asked.
  std::vector<SnatRule> snat;
  bool operator==(const DesiredState&) const = default;
};

}  // namespace shunt::control
