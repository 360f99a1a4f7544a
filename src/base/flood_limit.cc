#include "src/base/flood_limit.h"

namespace shunt {

bool FloodLimit::admits(int level, bool important, std::string_view text, Time now) {
  auto known = lines_.find(std::string(text));
  if (known == lines_.end()) {
    if (lines_.size() < kRemembered) known = lines_.emplace(text, Line{level, now, 0}).first;
  }
  if (known != lines_.end() && ++known->second.count > kSameLines) return false;
  if (now - second_ >= std::chrono::seconds(1) || now < second_) {
    second_ = now;
    in_second_ = 0;
  }
  if (++in_second_ <= kLinesASecond || important) return true;
  ++left_out_;
  return false;
}

std::vector<FloodLimit::Summary> FloodLimit::due(Time now) {
  std::vector<Summary> result;
  for (auto line = lines_.begin(); line != lines_.end();) {
    const auto& [text, seen] = *line;
    // A clock that was set back must not keep a line for hours.
    if (now >= seen.begun && now - seen.begun < kWindow) {
      ++line;
      continue;
    }
    if (seen.count > kSameLines) {
      result.push_back(
          {seen.level, text + " (again, " + std::to_string(seen.count - kSameLines) + " times)"});
    }
    line = lines_.erase(line);
  }
  if (left_out_ > 0 && (now - second_ >= std::chrono::seconds(1) || now < second_)) {
    constexpr int kWarning = 3;
    result.push_back({kWarning, "log: " + std::to_string(left_out_) +
                                    " lines were left out, more than " +
                                    std::to_string(kLinesASecond) + " in one second"});
    left_out_ = 0;
  }
  return result;
}

}  // namespace shunt
