#include "dataplane/expiry.h"

#include <algorithm>

#include "dataplane/tcp_state.h"

namespace shunt::dataplane {
namespace {

// Entries a poll may look at: about 200 ns when packets wait, 10 us when none do.
constexpr uint32_t kBusyBudget = 32;
constexpr uint32_t kIdleBudget = 1024;
constexpr uint32_t kEvictBudget = 64;
// A half-open connection younger than this may still be a client at the other end of the world.
constexpr Tick kHalfOpenGraceMs = 1000;

// Entries of a walk that pass in a millisecond: few while there is room, more when it is scarce.
constexpr uint32_t kEntriesPerMs = 1000;
constexpr uint32_t kEntriesPerMsWhenScarce = 4000;
constexpr uint32_t kShortestWalkMs = 1000;

// How long one walk through the table takes.
uint32_t walk_ms(const ConnectionTable& table) noexcept {
  const bool scarce = table.used() > table.capacity() / 4 * 3;
  return std::max(kShortestWalkMs, table.capacity() / (scarce ? kEntriesPerMsWhenScarce : kEntriesPerMs));
}

bool is_half_open(const Connection& connection) noexcept {
  if (connection.protocol == static_cast<uint8_t>(Protocol::kUdp)) {
    return connection.in_packets <= 1 && connection.out_packets == 0;
  }
  return connection.state == ConnectionState::kSynRecv || connection.state == ConnectionState::kNone;
}

}  // namespace

void end_connection(Worker& worker, Connection* connection) noexcept {
  RealCounters& real = worker.real_counters[connection->real.index];
  auto& count = connection->flags & kConnectionActive ? real.active : real.inactive;
  count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  worker.connections.erase(connection);
}

void sweep(Worker& worker, bool busy) noexcept {
  const uint32_t budget = std::min(worker.sweep_owed, busy ? kBusyBudget : kIdleBudget);
  worker.sweep_owed -= budget;
  for (uint32_t i = 0; i < budget; ++i) {
    Connection* connection = worker.connections.at(worker.sweep_position);
    if (connection == nullptr) {
      worker.sweep_position = 0;
      return;
    }
    ++worker.sweep_position;
    if ((connection->flags & kConnectionUsed) && is_past(connection->expires, worker.now)) {
      end_connection(worker, connection);
    }
  }
}

uint32_t sweep_share(const Worker& worker, uint32_t elapsed_ms) noexcept {
  const uint64_t share = uint64_t{worker.connections.capacity()} * elapsed_ms / walk_ms(worker.connections) + 1;
  return static_cast<uint32_t>(std::min<uint64_t>(share, worker.connections.capacity()));
}

bool evict_half_open(Worker& worker) noexcept {
  for (uint32_t i = 0; i < kEvictBudget; ++i) {
    Connection* connection = worker.connections.at(worker.evict_position);
    if (connection == nullptr) {
      worker.evict_position = 0;
      continue;
    }
    ++worker.evict_position;
    if ((connection->flags & kConnectionUsed) == 0) continue;
    const bool aged = is_past(connection->created + kHalfOpenGraceMs, worker.now);
    if (is_past(connection->expires, worker.now) || (aged && is_half_open(*connection))) {
      worker.counters.half_open_evicted.add(1);
      end_connection(worker, connection);
      return true;
    }
  }
  return false;
}

}  // namespace shunt::dataplane
