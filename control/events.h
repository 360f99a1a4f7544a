// The daemon's memory of what happened: a bounded ring of events with sequence numbers that start at 1 and have no
// gaps. Whoever reads it in pieces, over broken connections and restarts too, learns of every event that is missing.
// Thread-safe; appended to by the controller's thread, read and waited on by any.
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

// Where a reader goes on: after this sequence number.
struct EventStart {
  uint64_t after = 0;
  // Why events that were asked for are missing in front of it; empty: none are.
  std::string missing;
};

class EventRing {
 public:
  // Keeps the last `capacity` events. REQUIRES capacity > 0.
  explicit EventRing(size_t capacity);

  // Gives the event its sequence number, and its time unless that is set; returns the number.
  uint64_t append(Event event);
  // The state is that of a revision from before this life: what brought it about is not among the events.
  void begin_with(uint64_t revision);

  // Kept events with a sequence number above `sequence`, oldest first, at most `limit`. A first one later than
  // sequence + 1 means that older ones are no longer kept.
  std::vector<Event> after(uint64_t sequence, size_t limit = SIZE_MAX) const;
  // Waits until there is an event above `sequence` (true), or until `timeout` or close() (false).
  bool wait_after(uint64_t sequence, std::chrono::milliseconds timeout) const;
  // Sequence number of the last event; 0: none yet.
  uint64_t last() const;

  // Of this process's events: another one's ring has another. 16 hexadecimal digits.
  const std::string& life() const noexcept { return life_; }
  // Behind the last event.
  EventPosition position() const;
  // Where to go on for one who has all up to `position`; an empty life is this one.
  EventStart start_after(const EventPosition& position) const;
  // As above, for one who has the state of `revision`.
  EventStart start_after_revision(uint64_t revision) const;
  // The last event's; of one after a change it is the change's. 0: none yet.
  uint64_t revision() const;

  // Wakes all who wait, now and later: no more events come.
  void close();
  bool closed() const;

 private:
  uint64_t oldest() const noexcept { return last_ - events_.size() + 1; }

  const size_t capacity_;
  const std::string life_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Event> events_;
  uint64_t last_ = 0;
  uint64_t first_revision_ = 0;
  bool closed_ = false;
};

}  // namespace shunt::control
