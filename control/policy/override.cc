#include "control/policy/override.h"

#include <ctime>

namespace shunt::control {

const char* name_of(AtDeadline then) noexcept {
  switch (then) {
    case AtDeadline::kLeave: return "leave";
    case AtDeadline::kReset: return "reset";
    case AtDeadline::kReschedule: return "reschedule";
  }
  return "";
}

uint32_t undrained_weight(uint32_t configured, const Override* override_of) noexcept {
  return override_of != nullptr && override_of->weight ? override_of->weight->weight : configured;
}

uint32_t wanted_weight(uint32_t configured, const Override* override_of) noexcept {
  if (override_of != nullptr && override_of->drain) return 0;
  return undrained_weight(configured, override_of);
}

Override still_valid(Override before, WallClock::time_point now) {
  if (before.weight && before.weight->until && *before.weight->until <= now) before.weight.reset();
  if (before.drain && before.drain->until && *before.drain->until <= now) before.drain.reset();
  return before;
}

std::string text_of(WallClock::time_point time) {
  const std::time_t seconds = WallClock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string text_of(const Override& override_of) {
  std::string text;
  if (const auto& drain = override_of.drain) {
    text = "drained";
    if (drain->deadline) text += ", " + std::string(name_of(drain->then)) + " at " + text_of(*drain->deadline);
    if (drain->until) text += ", until " + text_of(*drain->until);
  }
  if (const auto& weight = override_of.weight) {
    text += (text.empty() ? "" : "; ") + std::string("weight ") + std::to_string(weight->weight);
    if (weight->until) text += " until " + text_of(*weight->until);
  }
  return text.empty() ? "none" : text;
}

}  // namespace shunt::control
