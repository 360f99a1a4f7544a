#include "control/policy/drain.h"

#include <algorithm>

namespace shunt::control {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

// Rounded up, so that what is not over is not called 0s: "4m30s", "2h", "45s".
std::string time_text(WallClock::duration left) {
  const int64_t all = std::max<int64_t>(0, duration_cast<seconds>(left + seconds(1) - WallClock::duration(1)).count());
  std::string text;
  if (all >= 3600) text += std::to_string(all / 3600) + "h";
  if (all / 60 % 60 > 0) text += std::to_string(all / 60 % 60) + "m";
  if (all % 60 > 0 || text.empty()) text += std::to_string(all % 60) + "s";
  return text;
}

}  // namespace

void DrainProgress::begin(uint64_t connections, WallClock::time_point now) noexcept {
  told_connections_ = connections;
  began_ = now;
  told_quarters_ = 0;
}

bool DrainProgress::note(uint64_t connections, WallClock::time_point now, const DrainOverride& drain) noexcept {
  const bool has_halved = connections <= told_connections_ / 2;
  int quarters = 0;
  if (drain.deadline && *drain.deadline > began_) {
    quarters = static_cast<int>(std::clamp<int64_t>((now - began_) * 4 / (*drain.deadline - began_), 0, 3));
  }
  if (!has_halved && quarters <= told_quarters_) return false;
  told_connections_ = std::min(told_connections_, connections);
  told_quarters_ = std::max(told_quarters_, quarters);
  return true;
}

const char* consequence_of(AtDeadline then) noexcept {
  switch (then) {
    case AtDeadline::kLeave: return "they go on";
    case AtDeadline::kReset: return "they are reset";
    case AtDeadline::kReschedule: return "they are forgotten, their clients begin anew";
  }
  return "";
}

std::string progress_text(uint64_t connections, WallClock::time_point now, const DrainOverride& drain) {
  const std::string left = std::to_string(connections) + (connections == 1 ? " connection left" : " connections left");
  if (!drain.deadline || drain.then == AtDeadline::kLeave) {
    return left + (drain.deadline && *drain.deadline > now ? ", " + time_text(*drain.deadline - now) + " to the deadline" : "");
  }
  if (*drain.deadline <= now) return left + ", " + consequence_of(drain.then);
  return left + ", " + time_text(*drain.deadline - now) + " until " + consequence_of(drain.then);
}

}  // namespace shunt::control
