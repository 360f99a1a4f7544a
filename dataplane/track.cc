#include "dataplane/track.h"

namespace shunt::dataplane {

void count_state(Connection& connection, RealCounters& real) noexcept {
  const bool counted_active = connection.flags & kConnectionActive;
  if (counted_active == is_active(connection.state)) return;
  auto& from = counted_active ? real.active : real.inactive;
  auto& to = counted_active ? real.inactive : real.active;
  from.store(from.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  connection.flags ^= kConnectionActive;
}

}  // namespace shunt::dataplane
