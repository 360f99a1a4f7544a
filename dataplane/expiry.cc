#include "dataplane/expiry.h"

#include <algorithm>

#include "dataplane/tcp_state.h"

namespace shunt::dataplane {
namespace {

// Entries a poll may look at: what a burst of new connections owes when packets wait, more when none do.
constexpr uint32_t kBusyBudget = kEntriesPerConnection * kBurst;
constexpr uint32_t kIdleBudget = 1024;
// Entries looked at together, so that the buckets of those that end are fetched at once.
constexpr uint32_t kGroup = 32;
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
  if (connection.request.protocol == static_cast<uint8_t>(Protocol::kUdp)) {
    return connection.in_packets <= 1 && connection.out_packets == 0;
  }
  return connection.state == ConnectionState::kSynRecv || connection.state == ConnectionState::kNone;
}

void prefetch_buckets(const ConnectionTable& table, const Connection& connection) noexcept {
  table.prefetch_bucket(table.hash(connection.request));
  if (connection.flags & kConnectionTwoWay) {
    table.prefetch_bucket(table.hash(connection.reply));
  }
}

// Ends what has passed its time among the next `group` entries, at most kGroup. False: the walk came to its end.
bool sweep_group(Worker& worker, uint32_t group) noexcept {
  Connection* ended[kGroup];
  uint32_t count = 0;
  bool more = true;
  for (uint32_t i = 0; i < group && more; ++i) {
    Connection* connection = worker.connections.at(worker.sweep_position);
    more = connection != nullptr;
    worker.sweep_position = more ? worker.sweep_position + 1 : 0;
    if (!more || (connection->flags & kConnectionUsed) == 0 || !is_past(connection->expires, worker.now)) continue;
    prefetch_buckets(worker.connections, *connection);
    ended[count++] = connection;
  }
  for (uint32_t i = 0; i < count; ++i) end_connection(worker, ended[i]);
  return more;
}

}  // namespace

void end_connection(Worker& worker, Connection* connection) noexcept {
  RealCounters& real = worker.real_counters[connection->real.index];
  auto& count = connection->flags & kConnectionActive ? real.active : real.inactive;
  count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  worker.connections.erase(connection);
}

void owe_sweep(Worker& worker, uint32_t entries) noexcept {
  // One whole walk is all that can be of use.
  worker.sweep_owed = std::min(worker.sweep_owed + entries, worker.connections.capacity());
}

void sweep(Worker& worker, bool busy) noexcept {
  uint32_t budget = std::min(worker.sweep_owed, busy ? kBusyBudget : kIdleBudget);
  worker.sweep_owed -= budget;
  while (budget > 0) {
    const uint32_t group = std::min(budget, kGroup);
    budget -= group;
    if (!sweep_group(worker, group)) return;
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
