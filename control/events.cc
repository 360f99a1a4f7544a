#include "control/events.h"

#include <algorithm>

namespace shunt::control {

EventRing::EventRing(size_t capacity) : capacity_(capacity) {}

uint64_t EventRing::append(Event event) {
  uint64_t sequence;
  {
    const std::lock_guard lock(mutex_);
    sequence = ++last_;
    event.sequence = sequence;
    if (event.time == WallClock::time_point{}) event.time = WallClock::now();
    if (events_.size() == capacity_) events_.pop_front();
    events_.push_back(std::move(event));
  }
  changed_.notify_all();
  return sequence;
}

std::vector<Event> EventRing::after(uint64_t sequence, size_t limit) const {
  const std::lock_guard lock(mutex_);
  if (sequence >= last_) return {};
  // Without gaps, the place of an event follows from its number.
  const uint64_t oldest = last_ - events_.size() + 1;
  const size_t start = sequence + 1 <= oldest ? 0 : sequence + 1 - oldest;
  const size_t count = std::min(limit, events_.size() - start);
  return {events_.begin() + start, events_.begin() + start + count};
}

bool EventRing::wait_after(uint64_t sequence, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return closed_ || last_ > sequence; });
  return last_ > sequence;
}

uint64_t EventRing::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void EventRing::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool EventRing::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace shunt::control
