// What becomes of a service as its reals come and go: its quorum, and its panic. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "control/model/policies.h"

namespace shunt::control {

// The reals that a service's connections are meant for (no sorry ones, none that are drained or of weight 0), and of these
// those that are not down.
struct RealsUp {
  uint32_t wanted = 0;
  uint32_t up = 0;
  uint64_t weight_up = 0;
  bool operator==(const RealsUp&) const = default;
};

// What follows from them.
struct ServiceStanding {
  RealsUp reals;
  bool has_quorum = true;
  bool panics = false;
  // It was judged before: quorums are lost and reached at different weights.
  bool is_judged = false;
  bool operator==(const ServiceStanding&) const = default;
};

// keepalived's: reached at weight + hysteresis, lost below weight - hysteresis, or when none is up. A service that was
// never judged has it at `weight`.
bool has_quorum(const Quorum& quorum, uint64_t weight_up, std::optional<bool> had) noexcept;

// `panic_threshold`: percent, 0: never. Fewer than so many of the wanted ones are up.
bool panics(uint32_t panic_threshold, const RealsUp& reals) noexcept;

ServiceStanding judge(const std::optional<Quorum>& quorum, uint32_t panic_threshold, const RealsUp& reals,
                      const ServiceStanding& before) noexcept;

}  // namespace shunt::control
