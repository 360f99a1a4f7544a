// When checks are made.
#include <algorithm>
#include <utility>

#include "control/health/checker_state.h"

namespace shunt::control {
namespace {

// Between checks of a real about which nothing is decided yet.
constexpr std::chrono::seconds kUndecidedPause{1};
// What is due within the same of these is done at one waking.
using Tick = std::chrono::milliseconds;

CheckClock::duration times(CheckClock::duration duration, double share) {
  return std::chrono::duration_cast<CheckClock::duration>(duration * share);
}

}  // namespace

void Checker::State::appoint(const std::shared_ptr<Probe>& probe, CheckClock::time_point when) {
  agenda.push({std::chrono::ceil<Tick>(when), probe, ++probe->turn});
}

void Checker::State::appoint_first(const std::shared_ptr<Probe>& probe, CheckClock::duration within) {
  const CheckClock::duration spread = std::min<CheckClock::duration>(probe->key.interval, within);
  appoint(probe, CheckClock::now() + times(spread, random_between(0, 1)));
}

// While nothing is decided about a real, it counts as up: its next checks come soon. One that was just decided on is
// checked next somewhere in its interval. One that stays down is checked less and less, as far as its service wants.
void Checker::State::appoint_next(const std::shared_ptr<Probe>& probe) {
  const auto& all = probe->subscribers;
  const auto has = [&all](Health health) {
    return std::any_of(all.begin(), all.end(),
                       [health](const auto& each) { return each->judgement.health() == health; });
  };
  const ProbeKey& key = probe->key;
  const bool is_decided = !has(Health::kUnknown);
  const bool is_down = is_decided && !has(Health::kUp);
  // The first success ends the slowing down, the real being up or not.
  const bool slows_down = is_down && !probe->succeeded;
  probe->pause = slows_down && probe->pause.count() > 0 ? std::min(probe->pause * 2, key.down_interval) : key.interval;
  const double jitter = key.jitter / 100.0;
  CheckClock::duration pause = times(probe->pause, random_between(1 - jitter, 1 + jitter));
  if (!is_decided) {
    pause = std::min<CheckClock::duration>(pause, times(kUndecidedPause, random_between(1 - jitter, 1)));
  } else if (std::exchange(probe->first, false)) {
    pause = times(probe->pause, random_between(0.1, 1));
  }
  appoint(probe, std::max(CheckClock::now(), probe->started + pause));
}

void Checker::State::wait() {
  while (!agenda.empty() && agenda.top().turn != agenda.top().probe->turn) agenda.pop();
  if (agenda.empty() || agenda.top().when >= waiting_for) return;
  waiting_for = agenda.top().when;
  timer.expires_at(waiting_for);
  timer.async_wait([self = shared_from_this()](const asio::error_code& error) {
    // Cancelled by an earlier appointment, which waits itself.
    if (error || self->stopped) return;
    self->waiting_for = CheckClock::time_point::max();
    self->keep_appointments();
  });
}

void Checker::State::keep_appointments() {
  const CheckClock::time_point now = CheckClock::now();
  while (!stopped && !agenda.empty() && agenda.top().when <= now) {
    const Appointment due = agenda.top();
    agenda.pop();
    if (due.turn != due.probe->turn) continue;
    Lane& lane = lanes[due.probe->lane()];
    if (due.probe->attempt) {
      late(due.probe);
    } else if (lane.open < lane.max_open && lane.queued.empty()) {
      begin(due.probe);
    } else {
      lane.queued.push_back(due);
    }
  }
  begin_queued();
  wait();
}

void Checker::State::begin_queued() {
  for (Lane& lane : lanes) {
    while (!stopped && !lane.queued.empty() && lane.open < lane.max_open) {
      const Appointment next = lane.queued.front();
      lane.queued.pop_front();
      if (next.turn == next.probe->turn) begin(next.probe);
    }
  }
}

}  // namespace shunt::control
