// What a service takes at most: new connections, packets and bits a second and connections at a time, of all workers
// together, of all its clients and of each. Built by control/limits_builder.h, which keeps it for as long as the limits stay
// the same, through snapshots.
//
// New connections are asked for in admit(), before a real is chosen; packets and bits of every packet of a service that
// limits them, requests and replies that pass Shunt, when its way is known. Workers only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "dataplane/client_table.h"
#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/token_bucket.h"
#include "dataplane/types.h"
#include "dataplane/verdict.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// What is limited. The first three are rates. Bits are counted as bytes of IP packets.
enum class Limit : uint8_t { kNewConnections, kPackets, kBits, kConnections };
inline constexpr size_t kLimits = 4;
inline constexpr size_t kRates = 3;
using RateSet = std::array<Rate, kRates>;  // by Limit

// The reason of a drop for a limit, of the service or of one client.
DropReason reason_of(Limit limit, bool of_client) noexcept;

// One worker's part; nobody else reads or writes it.
struct alignas(64) LimitShare {
  std::array<Purse, kRates> purses;
  // Connections that it may have, of the service's `connections`; and of these, that it may still open before it counts
  // those that it has anew.
  int64_t lease = 0;
  uint32_t credit = 0;
  // There were no places at this tick.
  Tick full_at = 0;
  bool is_full = false;
};

struct ServiceLimits {
  // Immutable.
  RateSet rates;
  uint32_t connections = 0;       // at a time; 0: any number
  uint32_t connection_batch = 1;  // places that a worker leases at once
  Refusal refusal = Refusal::kDrop;  // of new connections
  ClientLimits clients;

  // Shared, each a line of its own: what workers bought, and connections that they may have.
  struct alignas(64) SharedBucket {
    Bucket bucket{0};
  };
  std::array<SharedBucket, kRates> buckets;
  alignas(64) std::atomic<int64_t> leased{0};
  std::array<LimitShare, kMaxWorkers> shares;  // by worker

  // A packet of the service costs tokens.
  bool has_packet_rates() const noexcept;
};

// For a packet that would open a connection of the client's. nullopt: it may, and the client's place is taken until
// leave_place(). Else why not, which is counted for the service.
std::optional<DropReason> take_place(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                                     const IpAddress& client) noexcept;
// The connection did not come to be, or ended (kConnectionCounted).
void leave_place(Worker& worker, const Snapshot& snapshot, ServiceId service, const IpAddress& client) noexcept;
// Whether a place that was taken is to be left one day, for which its connection has the flag kConnectionCounted.
bool counts_clients(const Snapshot& snapshot, ServiceId service) noexcept;
// What take_place() would say, nothing changed.
std::optional<DropReason> peek_place(const Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                                     const IpAddress& client) noexcept;

// For a packet on its way to or from a real of a service with has_packet_rates(). False: it is dropped.
template <Direction kDirection, typename Ip>
bool keeps_rates(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow,
                 Packet& packet) noexcept;

// Gives back places that the worker does not need, so that others have them. Once a millisecond.
void return_places(Worker& worker, const Snapshot& snapshot) noexcept;

}  // namespace shunt::dataplane
