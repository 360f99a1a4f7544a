#include "control/policy/slow_start.h"

#include <algorithm>

namespace shunt::control {

uint32_t slow_start_step(std::chrono::steady_clock::duration since, std::chrono::milliseconds slow_start) noexcept {
  if (slow_start.count() <= 0 || since >= slow_start) return kSlowStartSteps;
  const int64_t step = 1 + since * static_cast<int64_t>(kSlowStartSteps) / std::chrono::steady_clock::duration(slow_start);
  return static_cast<uint32_t>(std::clamp<int64_t>(step, 1, kSlowStartSteps - 1));
}

uint32_t slow_start_factor(uint32_t most) noexcept {
  return most == 0 ? 1 : std::clamp<uint32_t>(UINT16_MAX / most, 1, kSlowStartSteps);
}

uint32_t weight_at_step(uint32_t weight, uint32_t step, uint32_t factor) noexcept {
  if (weight == 0) return 0;
  return std::max<uint32_t>(1, static_cast<uint32_t>(uint64_t{weight} * factor * step / kSlowStartSteps));
}

}  // namespace shunt::control
