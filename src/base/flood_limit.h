// Which log lines are told when there are too many: a line that repeats is told a few times and
// then summed up, and beyond so many lines a second the unimportant ones are counted. Not
// thread-safe; the clock is the caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shunt {

class FloodLimit {
 public:
  using Time = std::chrono::system_clock::time_point;
  // How often the same line is told within kWindow, and how many lines within a second.
  static constexpr uint32_t kSameLines = 5;
  static constexpr std::chrono::seconds kWindow{10};
  static constexpr uint32_t kLinesASecond = 500;

  struct Summary {
    int level = 0;
    std::string text;
  };

  // Whether the line is told. `important` ones are told however many there are, but for
  // repetitions.
  bool admits(int level, bool important, std::string_view text, Time now);
  // What was held back and is over by now; to be told before the next line. Each is told once.
  std::vector<Summary> due(Time now);
  // All that was held back.
  std::vector<Summary> rest() { return due(Time::max()); }

 private:
  struct Line {
    int level = 0;
    Time begun;
    uint32_t count = 0;
  };
  // More different lines than this at once are no repetitions.
  static constexpr size_t kRemembered = 256;

  std::unordered_map<std::string, Line> lines_;
  Time second_;
  uint32_t in_second_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace shunt
