// Taking connections out of the tables: one file, so that the tables and the reals' counters never disagree. Worker only.
#pragma once

#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Ends a connection now: out of its table, off its real's active or inactive count.
void end_connection(Worker& worker, Connection* connection) noexcept;
void end_connection(Worker& worker, Connection6* connection) noexcept;

// What each new connection adds to Upkeep::sweep_owed of its table. While connections come, the walk keeps their pace:
// the table is walked once while a quarter of its capacity is opened, so that entries past their time never take more
// than that, an eighth on the average, at whatever rate.
inline constexpr uint32_t kEntriesPerConnection = 4;
template <typename Ip>
void owe_sweep(Worker& worker, uint32_t entries) noexcept;

// Ends what has passed its time among the next entries of both tables. Walks a table once in one to ten seconds, sooner
// when many connections come, a few entries a poll: a bounded pause, and nothing per connection per poll. `busy`: the
// poll found packets.
void sweep(Worker& worker, bool busy) noexcept;
// Entries that sweep() owes a table for a stretch of time; the worker's clock adds them to what is owed.
template <typename Table>
uint32_t sweep_share(const Table& table, uint32_t elapsed_ms) noexcept;

// Ends the connections of Snapshot::expired_reals, a few entries at a time: one walk through both tables for every
// such set.
void expire_reals(Worker& worker, const Snapshot& snapshot) noexcept;

// With a full table: ends one connection that was never answered by its client (TCP and SCTP before the handshake's
// end, UDP of one packet) and is at least a second old. An established connection never gives way. False: none
// found nearby.
template <typename Ip>
bool evict_half_open(Worker& worker) noexcept;

}  // namespace shunt::dataplane
