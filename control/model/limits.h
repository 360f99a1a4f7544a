// What a service takes at most, of all its clients together and of each. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "control/model/access.h"
#include "control/model/health_check.h"

namespace shunt::control {

// 0: as many as there are.
struct LimitValues {
  uint32_t new_connections = 0;  // a second
  uint32_t packets = 0;          // a second
  uint32_t kilobits = 0;         // a second, of IP packets
  uint32_t connections = 0;      // at a time
  // How long unused rates add up.
  Milliseconds burst{1000};
  bool operator==(const LimitValues&) const = default;
  bool has_rate() const noexcept { return new_connections > 0 || packets > 0 || kilobits > 0; }
  bool has_some() const noexcept { return has_rate() || connections > 0; }
};

struct PerClient {
  LimitValues values;
  // Bits of an address that all count as one client.
  uint8_t ipv4_prefix = 32;
  uint8_t ipv6_prefix = 64;
  // That are told apart at a time.
  uint32_t clients = 65536;
  bool operator==(const PerClient&) const = default;
};

struct Limits {
  LimitValues all;
  std::optional<PerClient> per_client;
  // Of new connections.
  Refusal on_excess = Refusal::kDrop;
  bool operator==(const Limits&) const = default;
};

}  // namespace shunt::control
