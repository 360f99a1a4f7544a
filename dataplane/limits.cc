#include "dataplane/limits.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

// How often a worker gives back places that it does not need.
constexpr Tick kReturnMs = 64;

constexpr size_t index_of(Limit limit) noexcept { return static_cast<size_t>(limit); }

DropReason count(Worker& worker, ServiceId service, Limit limit, bool of_client) noexcept {
  ServiceCounters& counters = worker.service_counters[service.index];
  (of_client ? counters.client_limited : counters.limited)[index_of(limit)].add(1);
  return reason_of(limit, of_client);
}

bool spend(Worker& worker, ServiceLimits& limits, Limit limit, uint64_t amount) noexcept {
  const Rate& rate = limits.rates[index_of(limit)];
  if (!rate.is_set()) return true;
  Purse& own = limits.shares[worker.index].purses[index_of(limit)];
  return own.spend(limits.buckets[index_of(limit)].bucket, rate, worker.now, amount);
}

// Packets and bytes of a client.
bool spend_of(Worker& worker, const ClientLimits& clients, uint64_t hash, Limit limit, uint64_t amount) noexcept {
  const Rate& rate = clients.rates[index_of(limit)];
  if (!rate.is_set()) return true;
  Purse& own = clients.table.purse_of(worker.index, hash).purses[index_of(limit)];
  if (own.pay(amount)) return true;
  ClientBucket& bucket = clients.table.find_or_take(hash, clients.bursts(), limit_time(worker.now));
  return own.spend(bucket.buckets[index_of(limit)], rate, worker.now, amount);
}

// Connections that the worker has on the service's reals now.
int64_t count_own(const Worker& worker, const LimitedService& limited) noexcept {
  int64_t sum = 0;
  for (const RealId real : limited.reals) {
    const RealCounters& counters = worker.real_counters[real.index];
    sum += counters.active.load(std::memory_order_relaxed) + counters.inactive.load(std::memory_order_relaxed);
  }
  return sum;
}

// Counts what the worker has, and changes its lease to that and `more`, as far as the limit has room. What it has
// already is leased in any case: the limit may be new, or lower than it was.
void lease(Worker& worker, const LimitedService& limited, int64_t more) noexcept {
  ServiceLimits& limits = *limited.limits;
  LimitShare& share = limits.shares[worker.index];
  const int64_t used = count_own(worker, limited);
  const int64_t wanted = used + more - share.lease;
  const int64_t at_least = std::min(used - share.lease, wanted);
  int64_t leased = limits.leased.load(std::memory_order_relaxed);
  int64_t change = 0;
  do {
    change = std::clamp(int64_t{limits.connections} - leased, at_least, wanted);
    if (change == 0) break;
  } while (!limits.leased.compare_exchange_weak(leased, leased + change, std::memory_order_relaxed));
  share.lease += change;
  share.credit = static_cast<uint32_t>(share.lease - used);
}

bool take_connection(Worker& worker, const LimitedService& limited) noexcept {
  ServiceLimits& limits = *limited.limits;
  if (limits.connections == 0) return true;
  LimitShare& share = limits.shares[worker.index];
  if (share.credit == 0) {
    if (share.is_full && share.full_at == worker.now) return false;
    lease(worker, limited, limits.connection_batch);
    share.is_full = share.credit == 0;
    share.full_at = worker.now;
    if (share.is_full) return false;
  }
  --share.credit;
  return true;
}

}  // namespace

DropReason reason_of(Limit limit, bool of_client) noexcept {
  switch (limit) {
    case Limit::kNewConnections: return of_client ? DropReason::kClientNewConnectionLimit : DropReason::kNewConnectionLimit;
    case Limit::kPackets: return of_client ? DropReason::kClientPacketLimit : DropReason::kPacketLimit;
    case Limit::kBits: return of_client ? DropReason::kClientBitLimit : DropReason::kBitLimit;
    case Limit::kConnections: return of_client ? DropReason::kClientConnectionLimit : DropReason::kConnectionLimit;
  }
  return DropReason::kConnectionLimit;
}

bool ServiceLimits::has_packet_rates() const noexcept {
  const auto has = [](const RateSet& set) {
    return set[index_of(Limit::kPackets)].is_set() || set[index_of(Limit::kBits)].is_set();
  };
  return has(rates) || (clients.is_set() && has(clients.rates));
}

// The client first: what it may not have is not to cost the others their tokens.
std::optional<DropReason> take_place(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                                     const IpAddress& client) noexcept {
  const LimitedService& limited = snapshot.limited[service.id.index];
  ServiceLimits& limits = *limited.limits;
  const ClientLimits& clients = limits.clients;
  const bool has_clients = clients.is_set();
  const Rate& rate = clients.rates[index_of(Limit::kNewConnections)];
  uint64_t hash = 0;
  ClientBucket* bucket = nullptr;
  if (has_clients && (rate.is_set() || clients.connections != 0)) {
    hash = clients.table.hash_of(client, clients.prefix);
    const LimitTime now = limit_time(worker.now);
    bucket = &clients.table.find_or_take(hash, clients.bursts(), now);
    if (rate.is_set() && buy(bucket->buckets[index_of(Limit::kNewConnections)], rate, now, 1) == 0) {
      return count(worker, service.id, Limit::kNewConnections, true);
    }
  }
  if (!spend(worker, limits, Limit::kNewConnections, 1)) return count(worker, service.id, Limit::kNewConnections, false);
  const bool is_counted = bucket != nullptr && clients.connections != 0 && !clients.table.is_shared(*bucket);
  if (is_counted && !ClientTable::enter(*bucket, hash, clients.connections)) {
    return count(worker, service.id, Limit::kConnections, true);
  }
  if (take_connection(worker, limited)) return std::nullopt;
  if (is_counted) clients.table.leave(hash);
  return count(worker, service.id, Limit::kConnections, false);
}

bool counts_clients(const Snapshot& snapshot, ServiceId service) noexcept {
  const ClientLimits& clients = snapshot.limited[service.index].limits->clients;
  return clients.is_set() && clients.connections != 0;
}

void leave_place(Worker&, const Snapshot& snapshot, ServiceId service, const IpAddress& client) noexcept {
  if (service.index >= snapshot.limited.size()) return;  // it has no limits any more
  const ServiceLimits* limits = snapshot.limited[service.index].limits;
  if (limits == nullptr || !limits->clients.is_set()) return;
  limits->clients.table.leave(limits->clients.table.hash_of(client, limits->clients.prefix));
}

std::optional<DropReason> peek_place(const Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                                     const IpAddress& client) noexcept {
  const LimitedService& limited = snapshot.limited[service.id.index];
  const ServiceLimits& limits = *limited.limits;
  const ClientLimits& clients = limits.clients;
  const LimitTime now = limit_time(worker.now);
  const size_t begun = index_of(Limit::kNewConnections);
  if (clients.is_set()) {
    const ClientBucket* own = clients.table.find(clients.table.hash_of(client, clients.prefix));
    if (own != nullptr && clients.rates[begun].is_set() && on_sale(own->buckets[begun], clients.rates[begun], now) == 0) {
      return reason_of(Limit::kNewConnections, true);
    }
    const uint64_t owner = own == nullptr ? 0 : own->owner.load(std::memory_order_relaxed);
    if (clients.connections != 0 && (owner & ClientTable::kMostConnections) >= clients.connections) {
      return reason_of(Limit::kConnections, true);
    }
  }
  const LimitShare& share = limits.shares[worker.index];
  if (limits.rates[begun].is_set() && share.purses[begun].tokens == 0 &&
      on_sale(limits.buckets[begun].bucket, limits.rates[begun], now) == 0) {
    return reason_of(Limit::kNewConnections, false);
  }
  const bool has_room = share.credit > 0 || count_own(worker, limited) < share.lease ||
                        limits.leased.load(std::memory_order_relaxed) < int64_t{limits.connections};
  return limits.connections == 0 || has_room ? std::nullopt : std::optional(reason_of(Limit::kConnections, false));
}

template <Direction kDirection, typename Ip>
bool keeps_rates(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow,
                 Packet& packet) noexcept {
  if (real.service.index >= snapshot.limited.size()) return true;
  ServiceLimits* limits = snapshot.limited[real.service.index].limits;
  if (limits == nullptr) return true;
  const auto refuse = [&](Limit limit, bool of_client) {
    packet.drop(count(worker, real.service, limit, of_client));
    return false;
  };
  const ClientLimits& clients = limits->clients;
  if (clients.is_set()) {
    // What goes without a connection comes from the client.
    const IpAddress client = IpFlow::from(flow.connection != nullptr ? flow.connection->request : Ip::key_of(packet)).source;
    const uint64_t hash = clients.table.hash_of(client, clients.prefix);
    if (!spend_of(worker, clients, hash, Limit::kPackets, 1)) return refuse(Limit::kPackets, true);
    if (!spend_of(worker, clients, hash, Limit::kBits, packet.ip_bytes)) return refuse(Limit::kBits, true);
  }
  if (!spend(worker, *limits, Limit::kPackets, 1)) return refuse(Limit::kPackets, false);
  if (!spend(worker, *limits, Limit::kBits, packet.ip_bytes)) return refuse(Limit::kBits, false);
  return true;
}

void return_places(Worker& worker, const Snapshot& snapshot) noexcept {
  if (snapshot.limited.empty()) [[likely]] return;
  // At once after a change, so that what is there already counts against a limit that is new.
  if (worker.limits_seen == snapshot.version && !is_past(worker.next_return, worker.now)) return;
  worker.limits_seen = snapshot.version;
  worker.next_return = worker.now + kReturnMs;
  for (const LimitedService& limited : snapshot.limited) {
    if (limited.limits != nullptr && limited.limits->connections != 0) lease(worker, limited, 0);
  }
}

template bool keeps_rates<Direction::kRequest>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv4>&, Packet&) noexcept;
template bool keeps_rates<Direction::kRequest>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv6>&, Packet&) noexcept;
template bool keeps_rates<Direction::kReply>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv4>&, Packet&) noexcept;
template bool keeps_rates<Direction::kReply>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv6>&, Packet&) noexcept;

}  // namespace shunt::dataplane
