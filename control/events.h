// The daemon's memory of what happened: a bounded ring of events with sequence numbers that start at 1 and have no
// gaps. Thread-safe; appended to by the controller's thread, read and waited on by any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "control/report.h"

namespace shunt::control {

class EventRing {
 public:
  // Keeps the last `capacity` events. REQUIRES capacity > 0.
  explicit EventRing(size_t capacity);

  // Gives the event its sequence number, and its time unless that is set; returns the number.
  uint64_t append(Event event);

  // Kept events with a sequence number above `sequence`, oldest first, at most `limit`. A first one later than
  // sequence + 1 means that older ones are no longer kept.
  std::vector<Event> after(uint64_t sequence, size_t limit = SIZE_MAX) const;
  // Waits until there is an event above `sequence` (true), or until `timeout` or close() (false).
  bool wait_after(uint64_t sequence, std::chrono::milliseconds timeout) const;
  // Sequence number of the last event; 0: none yet.
  uint64_t last() const;

  // Wakes all who wait, now and later: no more events come.
  void close();
  bool closed() const;

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Event> events_;
  uint64_t last_ = 0;
  bool closed_ = false;
};

}  // namespace shunt::control
