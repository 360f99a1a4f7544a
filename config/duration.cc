#include "config/duration.h"

#include <array>
#include <charconv>

namespace shunt::config {
namespace {

struct Unit {
  std::string_view suffix;
  int64_t ms;
};
// Largest last: format_duration_ms() takes the last that divides.
constexpr std::array<Unit, 5> kUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

// Protobuf's own bound on a Duration, 10,000 years.
constexpr int64_t kMaxSeconds = 315'576'000'000;

}  // namespace

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : kUnits) {
    if (suffix != unit.suffix) continue;
    if (count > kMaxSeconds * 1000 / unit.ms || count < -kMaxSeconds * 1000 / unit.ms)
      return std::nullopt;
    return count * unit.ms;
  }
  return std::nullopt;
}

std::optional<int64_t> to_ms(const google::protobuf::Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  if (seconds > kMaxSeconds || seconds < -kMaxSeconds) return std::nullopt;
  if (nanos >= 1'000'000'000 || nanos <= -1'000'000'000 || nanos % 1'000'000 != 0)
    return std::nullopt;
  if ((seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) return std::nullopt;
  return seconds * 1000 + nanos / 1'000'000;
}

google::protobuf::Duration to_duration(int64_t ms) {
  google::protobuf::Duration duration;
  duration.set_seconds(ms / 1000);
  duration.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  return duration;
}

std::string format_duration_ms(int64_t ms) {
  Unit best = kUnits[0];
  for (const Unit& unit : kUnits) {
    if (ms != 0 && ms % unit.ms == 0) best = unit;
  }
  return std::to_string(ms / best.ms).append(best.suffix);
}

}  // namespace shunt::config
