// What an operator says of one real beside the configuration: a weight, a drain. It goes before the configuration until
// it is cleared or its time is over, whatever files are loaded meanwhile. Pure values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/model/desired_state.h"
#include "control/wall_clock.h"

namespace shunt::control {

// What becomes of the connections that a drained real still has at the drain's deadline.
enum class AtDeadline : uint8_t {
  kLeave,       // they go on until they end
  kReset,       // they are ended, TCP's by a reset to both sides
  kReschedule,  // they are forgotten: a client's next packet is that of a new connection
};
const char* name_of(AtDeadline then) noexcept;

struct WeightOverride {
  uint32_t weight = 0;
  WallClock::time_point since;
  // Unset: until it is cleared.
  std::optional<WallClock::time_point> until;
  // Who said so: "eve (uid 1004, pid 4711)", "ops at 192.0.2.7:40112".
  std::string by;
  bool operator==(const WeightOverride&) const = default;
};

struct DrainOverride {
  WallClock::time_point since;
  std::optional<WallClock::time_point> until;
  std::string by;
  std::optional<WallClock::time_point> deadline;
  AtDeadline then = AtDeadline::kLeave;
  bool operator==(const DrainOverride&) const = default;
};

struct Override {
  std::optional<WeightOverride> weight;
  std::optional<DrainOverride> drain;

  bool is_empty() const noexcept { return !weight && !drain; }
  bool operator==(const Override&) const = default;
};

// The weight that is wanted: 0 while drained. `override_of` nullptr: there is none.
uint32_t wanted_weight(uint32_t configured, const Override* override_of) noexcept;
// The same without the drain: what undoing it brings back.
uint32_t undrained_weight(uint32_t configured, const Override* override_of) noexcept;
// Without the parts whose time is over.
Override still_valid(Override before, WallClock::time_point now);
// "drained, reset at 2026-11-27T02:05:00Z", "weight 7 until 2026-11-27T03:00:00Z"; "none".
std::string text_of(const Override& override_of);
// "2026-11-27T02:05:00Z"
std::string text_of(WallClock::time_point time);

}  // namespace shunt::control
