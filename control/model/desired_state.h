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

#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::control {

using dataplane::Method;
using dataplane::Protocol;
using dataplane::SchedulerKind;
using Milliseconds = std::chrono::milliseconds;

// How sh and mh go by the client; the others have these defaults.
struct SchedulerFlags {
  // The client's port counts, not its address alone.
  bool port = false;
  // A client whose real is drained goes on to another one.
  bool fallback = true;
  bool operator==(const SchedulerFlags&) const = default;
};

constexpr bool has_flags(SchedulerKind scheduler) noexcept {
  return scheduler == SchedulerKind::kSh || scheduler == SchedulerKind::kMh;
}

// Idle timeouts. Unset: the next outer level's (service -> desired state -> IPVS's default).
struct Timeouts {
  // Indexed by dataplane::TimeoutKind.
  std::array<std::optional<Milliseconds>, dataplane::kTimeoutKinds> values;
  bool operator==(const Timeouts&) const = default;
};

struct HealthCheck {
  bool enabled = true;
  Milliseconds interval{5000};
  Milliseconds timeout{2000};
  uint32_t rise = 2;
  uint32_t fall = 3;
  // 0: the real's port.
  uint16_t port = 0;
  bool operator==(const HealthCheck&) const = default;
};

struct Real {
  std::string name;
  IpAddress address;
  uint16_t port = 0;
  uint32_t weight = 1;
  // Set while drained: the weight that undoing the drain restores; `weight` is 0 then.
  std::optional<uint32_t> weight_before_drain;
  bool operator==(const Real&) const = default;
};

struct Service {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  IpAddress address;
  uint16_t port = 0;
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
  bool operator==(const Service&) const = default;
};

struct LocalAddressPool {
  std::string name;
  std::vector<IpAddress> addresses;
  // Name of the port whose kernel port answers; empty: the first that has one.
  std::string port;
  bool operator==(const LocalAddressPool&) const = default;
};

struct DesiredState {
  Timeouts timeouts;
  std::vector<LocalAddressPool> local_addresses;
  std::vector<Service> services;
  bool operator==(const DesiredState&) const = default;
};

}  // namespace shunt::control
