#include "dataplane/local_ports.h"

#include <algorithm>

#include "dataplane/expiry.h"
#include "dataplane/family.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {
namespace {

// Ends looked at together, so that their cache lines arrive together.
constexpr uint32_t kGroup = 8;

void set_destination(FlowKey& reply, const IpAddress& address) noexcept { reply.destination = address.v4(); }
void set_destination(FlowKey6& reply, const IpAddress& address) noexcept { reply.destination = address.mapped(); }

// With a home: how many of an address's ends a search looks at before it goes to the next address.
constexpr uint32_t kStayAtHome = 16;

// The worker's local ends toward one real, by turn: all addresses, then the next port; or, with a home, ports alone.
class LocalEnds {
 public:
  LocalEnds(const Worker& worker, const LocalPool& pool) noexcept
      : worker_(worker),
        pool_(pool),
        blocks_(worker.steering == nullptr ? Steering::Blocks{}
                                           : worker.steering->blocks_of(pool.first_port, pool.last_port)),
        ports_(worker.steering == nullptr ? uint32_t{pool.last_port} - pool.first_port + 1
                                          : worker.steering->ports_of(worker.index, blocks_)) {}

  uint64_t count() const noexcept { return uint64_t{pool_.addresses.size()} * ports_; }

  // `probe`: how many this search looked at before. False: the turn's port is not the pool's, which ends within a block
  // of ports.
  template <typename Key>
  bool complete(Key& reply, uint32_t turn, uint32_t probe) const noexcept {
    const auto addresses = static_cast<uint32_t>(pool_.addresses.size());
    const bool by_turn = pool_.home == LocalPool::kNoHome;
    const uint32_t address = by_turn ? turn % addresses : (pool_.home + probe / kStayAtHome) % addresses;
    const uint32_t port_turn = (by_turn ? turn / addresses : turn) % ports_;
    set_destination(reply, pool_.addresses[address]);
    if (worker_.steering == nullptr) {
      reply.destination_port = Be16::from_host(static_cast<uint16_t>(pool_.first_port + port_turn));
      return true;
    }
    reply.destination_port = worker_.steering->port_of(worker_.index, blocks_, reply, port_turn);
    const uint16_t port = reply.destination_port.host();
    return pool_.first_port <= port && port <= pool_.last_port;
  }

 private:
  const Worker& worker_;
  const LocalPool& pool_;
  Steering::Blocks blocks_;
  uint32_t ports_;
};

// Ends looked for together.
template <typename Ip>
struct Group {
  typename Ip::Key replies[kGroup];
  uint64_t hashes[kGroup];
  const typename Ip::Table::Bucket* buckets[kGroup];
  typename Ip::Table::Reference references[kGroup];
  uint32_t turns[kGroup];
  uint32_t count = 0;
};

// The first of the group that no connection has; group.count: none.
template <typename Ip>
uint32_t first_free(Worker& worker, Group<Ip>& group) noexcept {
  auto& table = connections_of<Ip>(worker);
  for (uint32_t i = 0; i < group.count; ++i) {
    group.hashes[i] = table.hash(group.replies[i]);
    group.buckets[i] = table.prefetch_bucket(group.hashes[i]);
  }
  for (uint32_t i = 0; i < group.count; ++i) {
    group.references[i] = table.prefetch_entry(*group.buckets[i], group.hashes[i]);
  }
  for (uint32_t i = 0; i < group.count; ++i) {
    const auto found = table.find(group.references[i], group.hashes[i], lookup_key_of(group.replies[i]));
    if (found.entry == nullptr) return i;
    if (is_past(found.entry->expires, worker.now)) {
      end_connection(worker, found.entry);
      return i;
    }
  }
  return group.count;
}

// How many ends a search may look at.
uint32_t probes_for(Tick now, LocalPortSearch& search, const RealCounters& real, uint64_t ends,
                    bool many_ports) noexcept {
  if (search.refilled != now) {
    search.refilled = now;
    search.probes_left = kProbesPerMs;
  }
  // Connections of a pool that was changed count, too: that there are so many does not prove that no end is free.
  const uint64_t connections =
      uint64_t{real.active.load(std::memory_order_relaxed)} + real.inactive.load(std::memory_order_relaxed);
  return connections >= ends && !many_ports ? kGlance : kShortSearch + search.probes_left;
}

}  // namespace

template <typename Ip>
bool choose_local(Worker& worker, const LocalPool& pool, bool many_ports, typename Ip::Entry& connection) noexcept {
  const LocalEnds ends(worker, pool);
  RealCounters& real = worker.real_counters[connection.real.index];
  LocalPortSearch& search = worker.local_port_search;
  const uint32_t limit = probes_for(worker.now, search, real, ends.count(), many_ports);
  uint32_t turn = search.first_turn + real.local_turn;
  uint32_t probes = 0;
  bool found = false;
  Group<Ip> group;
  while (!found && probes < limit) {
    // Nearly always the first one is free; the lines of others would be fetched for nothing.
    const uint32_t last = probes == 0 ? 1 : std::min(probes + kGroup, limit);
    group.count = 0;
    for (; probes < last; ++probes, ++turn) {
      group.replies[group.count] = connection.reply;
      group.turns[group.count] = turn;
      if (ends.complete(group.replies[group.count], turn, probes)) ++group.count;
    }
    const uint32_t free = first_free(worker, group);
    if (free == group.count) continue;
    connection.reply = group.replies[free];
    turn = group.turns[free] + 1;
    found = true;
  }
  if (probes > kShortSearch) search.probes_left -= probes - kShortSearch;
  real.local_turn = turn - search.first_turn;
  return found;
}

template <typename Ip>
bool peek_local(Worker& worker, const LocalPool& pool, RealId real_id, bool many_ports,
                typename Ip::Key& reply) noexcept {
  const LocalEnds ends(worker, pool);
  const RealCounters& real = worker.real_counters[real_id.index];
  LocalPortSearch search = worker.local_port_search;
  const uint32_t limit = probes_for(worker.now, search, real, ends.count(), many_ports);
  const uint32_t first = search.first_turn + real.local_turn;
  for (uint32_t probe = 0; probe < limit; ++probe) {
    if (!ends.complete(reply, first + probe, probe)) continue;
    const auto* entry = connections_of<Ip>(worker).find(reply).entry;
    if (entry == nullptr || is_past(entry->expires, worker.now)) return true;
  }
  return false;
}

template bool peek_local<Ipv4>(Worker&, const LocalPool&, RealId, bool, FlowKey&) noexcept;
template bool peek_local<Ipv6>(Worker&, const LocalPool&, RealId, bool, FlowKey6&) noexcept;
template bool choose_local<Ipv4>(Worker&, const LocalPool&, bool, Connection&) noexcept;
template bool choose_local<Ipv6>(Worker&, const LocalPool&, bool, Connection6&) noexcept;

}  // namespace shunt::dataplane
