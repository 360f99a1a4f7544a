#include "dataplane/track.h"

namespace shunt::dataplane {

void change_state(Connection& connection, ConnectionState after, RealCounters& real) noexcept {
  connection.state = after;
  const bool counted_active = connection.flags & kConnectionActive;
  if (counted_active == is_active(after)) return;
  auto& from = counted_active ? real.active : real.inactive;
  auto& to = counted_active ? real.inactive : real.active;
  from.store(from.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  connection.flags ^= kConnectionActive;
}

}  // namespace shunt::dataplane
