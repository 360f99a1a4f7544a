#include "control/events.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <random>

namespace shunt::control {
namespace {

// Not the time of the start: a clock that was set back must not make two lives one.
std::string new_life() {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08" PRIx32 "%08" PRIx32, static_cast<uint32_t>(random()),
                static_cast<uint32_t>(random()));
  return text;
}

std::string sequences(uint64_t first, uint64_t last) {
  if (first == last) return "event " + std::to_string(first) + " is";
  return "events " + std::to_string(first) + " to " + std::to_string(last) + " are";
}

}  // namespace

EventRing::EventRing(size_t capacity) : capacity_(capacity), life_(new_life()) {}

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
  const size_t start = sequence < oldest() ? 0 : sequence + 1 - oldest();
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

EventPosition EventRing::position() const { return {life_, last()}; }

uint64_t EventRing::revision() const {
  const std::lock_guard lock(mutex_);
  return events_.empty() ? first_revision_ : events_.back().revision;
}

void EventRing::begin_with(uint64_t revision) {
  const std::lock_guard lock(mutex_);
  first_revision_ = revision;
}

EventStart EventRing::start_after(const EventPosition& position) const {
  const std::lock_guard lock(mutex_);
  const uint64_t kept_after = oldest() - 1;
  if (!position.life.empty() && position.life != life_) {
    return {kept_after, "shuntd was started anew since, what happened after event " + std::to_string(position.sequence) +
                            " of its life " + position.life + " is not known"};
  }
  if (position.sequence > last_) {
    return {kept_after, "event " + std::to_string(position.sequence) + " is not of this life of shuntd, whose last one is " +
                            std::to_string(last_) + "; what happened since is not known"};
  }
  if (position.sequence >= kept_after) return {position.sequence, ""};
  return {kept_after, sequences(position.sequence + 1, kept_after) + " no longer kept"};
}

EventStart EventRing::start_after_revision(uint64_t revision) const {
  const std::lock_guard lock(mutex_);
  const uint64_t kept_after = oldest() - 1;
  const std::string what = "revision " + std::to_string(revision);
  if (revision <= first_revision_) {
    return {kept_after, "shuntd was started with revision " + std::to_string(first_revision_) +
                            ", what happened between " + what + " and that start is not known"};
  }
  // Revisions never go back within a life: the first event with the revision is what told of it.
  const auto told = std::partition_point(events_.begin(), events_.end(),
                                         [revision](const Event& each) { return each.revision < revision; });
  if (told == events_.end()) return {kept_after, what + " has not been reached, or was lost with the journal"};
  const bool is_known = told->revision == revision && (told != events_.begin() || oldest() == 1);
  if (is_known) return {told->sequence, ""};
  return {kept_after, "events since " + what + " are no longer all kept"};
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
