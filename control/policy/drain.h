// How far a drain is, and what of it is worth an event: its connections each time that they have halved, and its time each
// time that a quarter of it is over, so that a drain tells a dozen lines however long it takes. Pure; time is a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/policy/override.h"

namespace shunt::control {

class DrainProgress {
 public:
  // Begins at so many connections, of which somebody was told.
  void begin(uint64_t connections, WallClock::time_point now) noexcept;
  // True when they, or the time that is left, are worth telling now.
  bool note(uint64_t connections, WallClock::time_point now, const DrainOverride& drain) noexcept;

 private:
  uint64_t told_connections_ = 0;
  WallClock::time_point began_;
  // Of the deadline's whole time, quarters that are over and told.
  int told_quarters_ = 0;
};

// One real's drain as the controller follows it.
struct Drain {
  std::optional<WallClock::time_point> deadline;
  DrainProgress progress;
  // Its last connection was gone once.
  bool ended = false;
  bool deadline_over = false;
  // Workers end what connections it has.
  bool cutting = false;
};

// "12 connections left, 4m30s until they are reset"
std::string progress_text(uint64_t connections, WallClock::time_point now, const DrainOverride& drain);
// What a deadline does: "they go on", "they are reset", "they are forgotten, their clients begin anew".
const char* consequence_of(AtDeadline then) noexcept;

}  // namespace shunt::control
