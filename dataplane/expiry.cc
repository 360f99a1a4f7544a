#include "dataplane/expiry.h"

#include <algorithm>

#include "dataplane/connection_counts.h"
#include "dataplane/family.h"
#include "dataplane/ftp/passage.h"
#include "dataplane/limits.h"
#include "dataplane/outcome.h"
#include "dataplane/sctp_state.h"

namespace shunt::dataplane {
namespace {

// Entries a poll may look at: what a burst of new connections owes when packets wait, more when none do, or once a
// millisecond.
constexpr uint32_t kBusyBudget = kEntriesPerConnection * kSmallBurst;
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
template <typename Table>
uint32_t walk_ms(const Table& table) noexcept {
  const bool scarce = table.used() > table.capacity() / 4 * 3;
  return std::max(kShortestWalkMs, table.capacity() / (scarce ? kEntriesPerMsWhenScarce : kEntriesPerMs));
}

template <typename Entry>
bool is_half_open(const Entry& connection) noexcept {
  if (connection.state == ConnectionState::kUdp || connection.state == ConnectionState::kIcmp) {
    return connection.in_packets <= 1 && connection.out_packets == 0;
  }
  if (is_sctp(connection.state)) return connection.state < ConnectionState::kSctpEstablished;
  return connection.state == ConnectionState::kSynRecv || connection.state == ConnectionState::kNone;
}

template <typename Table, typename Entry>
void prefetch_buckets(const Table& table, const Entry& connection) noexcept {
  table.prefetch_bucket(table.hash(connection.request));
  if (connection.flags & kConnectionTwoWay) {
    table.prefetch_bucket(table.hash(connection.reply));
  }
}

constexpr uint8_t kConnectionHasMore = kConnectionControlled | kConnectionCounted | kConnectionWatched | kConnectionOpening;

// Of what others count it in, and who looks on.
template <typename Ip>
[[gnu::noinline]] void let_go(Worker& worker, typename Ip::Entry& connection, Ending half_open) noexcept {
  if (connection.flags & kConnectionWatched) look_for_answer(worker, connection);
  if (connection.flags & kConnectionControlled) {
    const Ending ending = is_half_open(connection) ? half_open : Ending::kWhole;
    worker.templates->let_go(connection.control, worker.now, ending);
  }
  if ((connection.flags & kConnectionOpening) != 0 && is_ftp(connection)) end_ftp(worker, connection);
  if ((connection.flags & kConnectionCounted) == 0) return;
  const Snapshot& snapshot = *worker.current->load(std::memory_order_acquire);
  leave_place(worker, snapshot, snapshot.reals[connection.real.index].service, IpFlow::from(connection.request).source);
}

template <typename Ip>
void end(Worker& worker, typename Ip::Entry* connection, Ending half_open = Ending::kHalfOpen) noexcept {
  count_out(worker, *connection);
  if (connection->flags & kConnectionHasMore) [[unlikely]] let_go<Ip>(worker, *connection, half_open);
  connections_of<Ip>(worker).erase(connection);
}

// Ends what has passed its time among the next `group` entries, at most kGroup. False: the walk came to its end.
template <typename Ip>
bool sweep_group(Worker& worker, uint32_t group) noexcept {
  auto& table = connections_of<Ip>(worker);
  Upkeep& upkeep = upkeep_of<Ip>(worker);
  typename Ip::Entry* ended[kGroup];
  uint32_t count = 0;
  bool more = true;
  for (uint32_t i = 0; i < group && more; ++i) {
    typename Ip::Entry* connection = table.at(upkeep.sweep_position);
    more = connection != nullptr;
    upkeep.sweep_position = more ? upkeep.sweep_position + 1 : 0;
    if (!more || (connection->flags & kConnectionUsed) == 0) continue;
    if (!is_past(connection->expires, worker.now)) {
      if (connection->flags & kConnectionWatched) [[unlikely]] look_for_answer(worker, *connection);
      continue;
    }
    prefetch_buckets(table, *connection);
    ended[count++] = connection;
  }
  for (uint32_t i = 0; i < count; ++i) end<Ip>(worker, ended[i]);
  return more;
}

template <typename Ip>
void sweep_table(Worker& worker, bool busy) noexcept {
  Upkeep& upkeep = upkeep_of<Ip>(worker);
  uint32_t budget = std::min(upkeep.sweep_owed, busy ? kBusyBudget : kIdleBudget);
  upkeep.sweep_owed -= budget;
  while (budget > 0) {
    const uint32_t group = std::min(budget, kGroup);
    budget -= group;
    if (!sweep_group<Ip>(worker, group)) return;
  }
}

bool is_expired(const Snapshot& snapshot, RealId real) noexcept {
  const size_t word = real.index / 64;
  return word < snapshot.expired_reals.size() && (snapshot.expired_reals[word] >> real.index % 64 & 1) != 0;
}

// False: the walk came to the table's end.
template <typename Ip>
bool expire_some(Worker& worker, const Snapshot& snapshot) noexcept {
  uint32_t& position = worker.expiry_of_reals.position;
  for (uint32_t i = 0; i < kIdleBudget; ++i) {
    typename Ip::Entry* connection = connections_of<Ip>(worker).at(position);
    if (connection == nullptr) return false;
    ++position;
    const bool is_used = connection->flags & kConnectionUsed;
    if (is_used && is_expired(snapshot, connection->real)) end<Ip>(worker, connection);
  }
  return true;
}

}  // namespace

void end_connection(Worker& worker, Connection* connection) noexcept { end<Ipv4>(worker, connection); }
void end_connection(Worker& worker, Connection6* connection) noexcept { end<Ipv6>(worker, connection); }

template <typename Ip>
void owe_sweep(Worker& worker, uint32_t entries) noexcept {
  // One whole walk is all that can be of use.
  Upkeep& upkeep = upkeep_of<Ip>(worker);
  upkeep.sweep_owed = std::min(upkeep.sweep_owed + entries, connections_of<Ip>(worker).capacity());
}

void sweep(Worker& worker, bool busy) noexcept {
  if (worker.upkeep.sweep_owed > 0) sweep_table<Ipv4>(worker, busy);
  if (worker.upkeep6.sweep_owed > 0) sweep_table<Ipv6>(worker, busy);
}

void expire_reals(Worker& worker, const Snapshot& snapshot) noexcept {
  ExpiryOfReals& walk = worker.expiry_of_reals;
  if (walk.generation != snapshot.expired_generation) {
    walk = {.generation = snapshot.expired_generation, .at_end = snapshot.expired_reals.empty()};
  }
  if (walk.at_end) return;
  const bool in_first = walk.family == AddressFamily::kIpv4;
  if (in_first ? expire_some<Ipv4>(worker, snapshot) : expire_some<Ipv6>(worker, snapshot)) return;
  walk.family = AddressFamily::kIpv6;
  walk.position = 0;
  walk.at_end = !in_first;
}

template <typename Table>
uint32_t sweep_share(const Table& table, uint32_t elapsed_ms) noexcept {
  const uint64_t share = uint64_t{table.capacity()} * elapsed_ms / walk_ms(table) + 1;
  return static_cast<uint32_t>(std::min<uint64_t>(share, table.capacity()));
}

template <typename Ip>
bool evict_half_open(Worker& worker) noexcept {
  Upkeep& upkeep = upkeep_of<Ip>(worker);
  for (uint32_t i = 0; i < kEvictBudget; ++i) {
    typename Ip::Entry* connection = connections_of<Ip>(worker).at(upkeep.evict_position);
    if (connection == nullptr) {
      upkeep.evict_position = 0;
      continue;
    }
    ++upkeep.evict_position;
    if ((connection->flags & kConnectionUsed) == 0) continue;
    const bool aged = is_past(connection->created + kHalfOpenGraceMs, worker.now);
    if (is_past(connection->expires, worker.now) || (aged && is_half_open(*connection))) {
      worker.counters.half_open_evicted.add(1);
      end<Ip>(worker, connection, Ending::kEvicted);
      return true;
    }
  }
  return false;
}

template void owe_sweep<Ipv4>(Worker&, uint32_t) noexcept;
template void owe_sweep<Ipv6>(Worker&, uint32_t) noexcept;
template uint32_t sweep_share<ConnectionTable>(const ConnectionTable&, uint32_t) noexcept;
template uint32_t sweep_share<ConnectionTable6>(const ConnectionTable6&, uint32_t) noexcept;
template bool evict_half_open<Ipv4>(Worker&) noexcept;
template bool evict_half_open<Ipv6>(Worker&) noexcept;

}  // namespace shunt::dataplane
