#include "control/policy/inhibition.h"

#include <algorithm>
#include <utility>

namespace shunt::control {

Outcomes operator-(const Outcomes& a, const Outcomes& b) noexcept {
  return {a.answered - b.answered, a.unanswered - b.unanswered, a.refused - b.refused, a.reset - b.reset};
}

std::string text_of(const Outcomes& outcomes) {
  std::string kinds;
  const auto add = [&kinds](uint64_t count, const char* kind) {
    if (count > 0) kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  };
  add(outcomes.unanswered, "unanswered");
  add(outcomes.refused, "refused");
  add(outcomes.reset, "reset");
  // A reset may come an interval after its answer.
  const uint64_t all = std::max(outcomes.all(), outcomes.failed());
  return std::to_string(outcomes.failed()) + " of " + std::to_string(all) + " connections failed" +
         (kinds.empty() ? "" : ": " + kinds);
}

void OutcomeWatch::restart(const Outcomes& total, Time now) noexcept {
  has_begun_ = true;
  is_inhibited_ = false;
  base_ = last_ = row_of_ = total;
  began_ = now;
  row_ = 0;
}

std::optional<std::string> OutcomeWatch::look(const PassiveCheck& check, const Outcomes& total, Time now) {
  // What is looked at again was let go by somebody else: its service was changed.
  if (!has_begun_ || is_inhibited_) {
    restart(total, now);
    return {};
  }
  const Outcomes news = total - std::exchange(last_, total);
  // What was answered and reset within a look is no success.
  if (news.answered > news.reset) {
    row_ = 0;
    row_of_ = total;
  } else {
    row_ += news.failed();
  }
  if (row_ >= check.consecutive) return text_of(total - row_of_) + ", all in a row";
  const Outcomes sum = total - base_;
  const bool is_much = sum.all() >= check.min_connections && sum.failed() > 0;
  if (is_much && sum.failed() * 100 >= sum.all() * check.failure_percent) {
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count();
    return text_of(sum) + ", within " + std::to_string((spent + 999) / 1000) + "s";
  }
  if (now - began_ >= check.interval) {
    base_ = total;
    began_ = now;
  }
  return {};
}

bool OutcomeWatch::spare(const PassiveCheck& check, const Outcomes& total, Time now) noexcept {
  restart(total, now);
  if (spared_ && now - *spared_ < check.interval) return false;
  spared_ = now;
  return true;
}

std::chrono::milliseconds OutcomeWatch::inhibit(const PassiveCheck& check, Time now) noexcept {
  const bool is_forgotten = last_time_.count() == 0 || now - until_ >= check.max_inhibit;
  last_time_ = std::min(is_forgotten ? check.inhibit : std::max(check.inhibit, 2 * last_time_), check.max_inhibit);
  until_ = now + last_time_;
  ++times_;
  is_inhibited_ = true;
  return last_time_;
}

void OutcomeWatch::release(const Outcomes& total, Time now) noexcept {
  until_ = now;
  restart(total, now);
}

bool may_inhibit(const PassiveCheck& check, const InhibitedShare& share) noexcept {
  const uint64_t most = std::max<uint64_t>(1, uint64_t{share.wanted} * check.max_inhibited_percent / 100);
  return share.fine >= 2 && share.inhibited + 1 <= most;
}

}  // namespace shunt::control
