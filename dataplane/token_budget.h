// A bounded rate of something costly: what we answer, what we trouble Linux with. Owner: one worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/connection.h"

namespace shunt::dataplane {

struct TokenBudget {
  static constexpr uint32_t kPerSecond = 1000;
  static constexpr uint32_t kAtOnce = 50;
  uint32_t tokens = kAtOnce;
  Tick refilled = 0;

  // False: the rate is used up. Tokens come one a millisecond (kPerSecond).
  bool take(Tick now) noexcept {
    static_assert(kPerSecond == 1000);
    tokens = std::min(tokens + std::min(now - refilled, kAtOnce), kAtOnce);
    refilled = now;
    if (tokens == 0) return false;
    --tokens;
    return true;
  }
};

}  // namespace shunt::dataplane
