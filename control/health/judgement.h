// What a sequence of check outcomes says about a real's health: `rise` successes in a row make a
// down one up, `fall` failures in a row make it down; before the first decision one success is
// enough. No I/O. One thread.
#pragma once

#include <cstdint>

#include "control/report.h"

namespace shunt::control {

class Judgement {
 public:
  Health health() const noexcept { return health_; }

  // Takes an outcome; returns the health after it.
  Health add(bool success, uint32_t rise, uint32_t fall) noexcept {
    // A run counts outcomes in a row against the present health.
    const bool against = success ? health_ != Health::kUp : health_ != Health::kDown;
    if (success != last_success_) run_ = 0;
    last_success_ = success;
    if (!against) return health_;
    ++run_;
    const uint32_t needed = !success ? fall : health_ == Health::kUnknown ? 1 : rise;
    if (run_ >= needed) {
      health_ = success ? Health::kUp : Health::kDown;
      run_ = 0;
    }
    return health_;
  }

 private:
  Health health_ = Health::kUnknown;
  bool last_success_ = false;
  uint32_t run_ = 0;
};

}  // namespace shunt::control
