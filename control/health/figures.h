// How long checks take, and how they end, by kind. Plain values; the loop's thread keeps them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace shunt::control {

// A bucket's upper bound in seconds; one more bucket has what took longer.
inline constexpr std::array<double, 10> kCheckSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                         0.05,  0.1,    0.25,  1,    5};

struct CheckFigures {
  // As an outcome's text begins: "connect", "http".
  const char* check = "";
  // Each bucket its own, not the lower ones' too.
  std::array<uint64_t, kCheckSeconds.size() + 1> buckets{};
  double seconds = 0;
  uint64_t successes = 0;
  uint64_t failures = 0;

  uint64_t all() const noexcept { return successes + failures; }
  void add(std::chrono::steady_clock::duration took, bool success) noexcept {
    const double spent = std::chrono::duration<double>(took).count();
    size_t bucket = 0;
    while (bucket < kCheckSeconds.size() && spent > kCheckSeconds[bucket]) ++bucket;
    ++buckets[bucket];
    seconds += spent;
    ++(success ? successes : failures);
  }
};

}  // namespace shunt::control
