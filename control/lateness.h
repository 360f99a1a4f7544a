// How late a loop's clock was, at worst, within about the last minute: what its longest task cost
// all others. Owner: the loop's thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace shunt::control {

class Lateness {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;

  // Something that was to happen at `due` happens now.
  void note(Clock::time_point due, Clock::time_point now) noexcept {
    const int64_t number = number_of(now);
    Part& part = parts_[static_cast<size_t>(number) % kParts];
    if (part.number != number) part = {number, {}};
    part.worst = std::max(part.worst, now - due);
  }

  Duration worst(Clock::time_point now) const noexcept {
    const int64_t oldest = number_of(now) - static_cast<int64_t>(kParts) + 1;
    Duration result{};
    for (const Part& part : parts_) {
      if (part.number >= oldest) result = std::max(result, part.worst);
    }
    return result;
  }

 private:
  static constexpr size_t kParts = 6;
  static constexpr std::chrono::seconds kPartLength{10};
  struct Part {
    int64_t number = -1;
    Duration worst{};
  };
  static int64_t number_of(Clock::time_point time) noexcept {
    return time.time_since_epoch() / kPartLength;
  }

  std::array<Part, kParts> parts_;
};

}  // namespace shunt::control
