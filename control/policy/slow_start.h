// A real that came up takes its share little by little: its weight grows in steps, so that a hundred thousand reals cost a
// few tables each second at the most. Pure; time is a value.
#pragma once

#include <chrono>
#include <cstdint>

namespace shunt::control {

inline constexpr uint32_t kSlowStartSteps = 10;

// 1..kSlowStartSteps, the last meaning the whole weight.
uint32_t slow_start_step(std::chrono::steady_clock::duration since, std::chrono::milliseconds slow_start) noexcept;

// What all weights of a service are multiplied by while one of its reals is at a step before the last, so that a weight of 1
// has steps, too. Schedulers go by the ratio of weights. `most`: the service's largest weight.
uint32_t slow_start_factor(uint32_t most) noexcept;

// At least 1 where the weight is.
uint32_t weight_at_step(uint32_t weight, uint32_t step, uint32_t factor) noexcept;

}  // namespace shunt::control
