// Reals judged by what they make of clients' connections: which are inhibited, for how long, and when it is forgotten.
// Pure; time is a value.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "control/model/health_check.h"
#include "control/wall_clock.h"

namespace shunt::control {

// What became of a real's new connections, summed over the workers; grows.
struct Outcomes {
  uint64_t answered = 0;
  uint64_t unanswered = 0;
  uint64_t refused = 0;
  // Of the answered ones.
  uint64_t reset = 0;

  uint64_t failed() const noexcept { return unanswered + refused + reset; }
  uint64_t all() const noexcept { return answered + unanswered + refused; }
  bool operator==(const Outcomes&) const = default;
};
Outcomes operator-(const Outcomes& a, const Outcomes& b) noexcept;
// "6 of 20 connections failed: 4 unanswered, 2 refused"
std::string text_of(const Outcomes& outcomes);

// A real gets no new connections for what became of those that it had.
struct Inhibition {
  WallClock::time_point since;
  WallClock::time_point until;
  std::string why;
  bool operator==(const Inhibition&) const = default;
};

// One real as it is watched.
class OutcomeWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What there is to say against it by now; nullopt: nothing. `total` has only grown since the last call; the first call, and
  // the first one after inhibit(), sets where it begins. To be called several times within an interval.
  std::optional<std::string> look(const PassiveCheck& check, const Outcomes& total, Time now);
  // Begins anew with what comes from now on.
  void restart(const Outcomes& total, Time now) noexcept;
  // There is something to say against it, but it goes on: begins anew. False: so it was less than an interval ago.
  bool spare(const PassiveCheck& check, const Outcomes& total, Time now) noexcept;
  // It is to be inhibited from now on; returns for how long: twice as long as the last time, unless that is long over.
  std::chrono::milliseconds inhibit(const PassiveCheck& check, Time now) noexcept;
  bool is_over(Time now) const noexcept { return now >= until_; }
  // It is not inhibited any more, by its time or for another reason.
  void release(const Outcomes& total, Time now) noexcept;
  // How often it was inhibited in all.
  uint64_t times() const noexcept { return times_; }

 private:
  bool has_begun_ = false;
  bool is_inhibited_ = false;
  // Where this interval, and the last look, began.
  Outcomes base_;
  Outcomes last_;
  Time began_;
  // Failures without a success between them.
  uint64_t row_ = 0;
  Outcomes row_of_;
  uint64_t times_ = 0;
  // How long it was the last time; 0: it was not, or that is forgotten.
  std::chrono::milliseconds last_time_{0};
  Time until_;
  std::optional<Time> spared_;
};

// How many reals of a kind there are, and how many of them are in which condition.
struct InhibitedShare {
  uint32_t wanted = 0;
  uint32_t inhibited = 0;
  // Neither inhibited nor down.
  uint32_t fine = 0;
};
// Whether one that is fine may be inhibited: another fine one remains, and they are not more than so many percent, or one.
bool may_inhibit(const PassiveCheck& check, const InhibitedShare& share) noexcept;

}  // namespace shunt::control
