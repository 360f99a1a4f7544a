#include "dataplane/housekeeping.h"

#include <rte_cycles.h>

#include "dataplane/expiry.h"
#include "dataplane/explain.h"
#include "dataplane/family.h"
#include "dataplane/journey.h"
#include "dataplane/outcome.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

// Entries that one poll looks at for a command: some microseconds.
constexpr uint32_t kCommandBudget = 256;

// Whether the command's walk may go on, must rest until the next poll, or has all that it came for.
enum class Walk : uint8_t { kGoesOn, kAtTableEnd, kIsFull };

template <typename Ip>
Walk copy_connections(Worker& worker, const Snapshot& snapshot, Command& command) noexcept {
  for (uint32_t i = 0; i < kCommandBudget; ++i) {
    const typename Ip::Entry* connection = connections_of<Ip>(worker).at(command.position);
    if (connection == nullptr) return Walk::kAtTableEnd;
    if (command.copied == command.capacity) return Walk::kIsFull;
    ++command.position;
    if ((connection->flags & kConnectionUsed) == 0 || is_past(connection->expires, worker.now)) continue;
    const ServiceId service = snapshot.reals[connection->real.index].service;
    command.copies[command.copied++] = {
        IpFlow::from(connection->request), IpFlow::from(connection->reply), connection->state, connection->method,
        connection->real, service, connection->in_packets, connection->out_packets, worker.index,
        static_cast<int32_t>(connection->expires - worker.now)};
  }
  return Walk::kGoesOn;
}

template <typename Ip>
Walk flush_real(Worker& worker, Command& command) noexcept {
  for (uint32_t i = 0; i < kCommandBudget; ++i) {
    typename Ip::Entry* connection = connections_of<Ip>(worker).at(command.position);
    if (connection == nullptr) return Walk::kAtTableEnd;
    ++command.position;
    if ((connection->flags & kConnectionUsed) == 0 || connection->real != command.real) continue;
    end_connection(worker, connection);
    ++command.flushed;
  }
  return Walk::kGoesOn;
}

template <typename Ip>
Walk walk(Worker& worker, const Snapshot& snapshot, Command& command) noexcept {
  switch (command.kind) {
    case Command::Kind::kCopyConnections: return copy_connections<Ip>(worker, snapshot, command);
    case Command::Kind::kFlushReal: return flush_real<Ip>(worker, command);
    case Command::Kind::kExplain: explain(worker, snapshot, *command.explanation); return Walk::kIsFull;
    case Command::Kind::kSetTaps: worker.taps = command.taps; return Walk::kIsFull;
  }
  return Walk::kIsFull;
}

// True: the command is done.
bool proceed(Worker& worker, const Snapshot& snapshot, Command& command) noexcept {
  const bool in_first = command.family == AddressFamily::kIpv4;
  switch (in_first ? walk<Ipv4>(worker, snapshot, command) : walk<Ipv6>(worker, snapshot, command)) {
    case Walk::kGoesOn: return false;
    case Walk::kIsFull: return true;
    case Walk::kAtTableEnd: break;
  }
  command.at_end = !in_first;
  command.family = AddressFamily::kIpv6;
  command.position = 0;
  return command.at_end;
}

}  // namespace

bool advance_clock(Worker& worker) noexcept {
  const uint64_t cycles = rte_rdtsc();
  if (worker.last_tick_cycles == 0) worker.last_tick_cycles = cycles;
  const uint64_t elapsed = cycles - worker.last_tick_cycles;
  if (elapsed < worker.cycles_per_ms) return false;
  const auto ms = static_cast<uint32_t>(elapsed / worker.cycles_per_ms);
  worker.last_tick_cycles += uint64_t{ms} * worker.cycles_per_ms;
  worker.now += ms;
  owe_sweep<Ipv4>(worker, sweep_share(worker.connections, ms));
  owe_sweep<Ipv6>(worker, sweep_share(worker.connections6, ms));
  look_for_answers(worker);
  if (worker.index == 0 && worker.templates != nullptr) {
    worker.templates_position = worker.templates->keep_time(worker.templates_position, worker.now);
  }
  return true;
}

void serve_waiting_room(Worker& worker, const Snapshot& snapshot) noexcept {
  WaitingRoom& room = worker.waiting;
  if (room.count == 0) return;
  const bool news = room.tried_version != snapshot.version;
  room.tried_version = snapshot.version;
  const uint32_t waited = room.count;
  room.count = 0;
  Burst& burst = worker.burst;
  for (uint32_t i = 0; i < waited; ++i) {
    const WaitingRoom::Place place = room.places[i];
    if (is_past(place.deadline, worker.now)) {
      drop(worker, place.mbuf, DropReason::kNoNeighbour);
    } else if (!news) {
      room.places[room.count++] = place;
    } else {
      burst.count = 1;
      burst.packets[0].mbuf = place.mbuf;
      burst.packets[0].in_port = place.in_port;
      burst.packets[0].handed_off = true;  // it came to its owner before
      const uint32_t before = room.count;
      journey(worker, snapshot, burst);
      // It waits again, but not longer than from its first time.
      if (room.count > before) room.places[before].deadline = place.deadline;
    }
  }
}

void serve_command(Worker& worker, const Snapshot& snapshot) noexcept {
  Command* command = worker.command.load(std::memory_order_acquire);
  if (command == nullptr || !proceed(worker, snapshot, *command)) return;
  worker.command.store(nullptr, std::memory_order_relaxed);
  command->done.store(true, std::memory_order_release);
}

}  // namespace shunt::dataplane
