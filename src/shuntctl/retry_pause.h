// How long to wait before a broken stream is asked for again: longer from try to try. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace shunt::shuntctl {

class RetryPause {
 public:
  // The wait before the next try.
  std::chrono::milliseconds next() { return std::exchange(next_, std::min(2 * next_, kLongest)); }
  // It went well: the next failure is a first one.
  void reset() { next_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{250};
  static constexpr std::chrono::milliseconds kLongest{5000};

  std::chrono::milliseconds next_ = kFirst;
};

}  // namespace shunt::shuntctl
