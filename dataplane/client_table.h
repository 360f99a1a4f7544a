// A service's clients, each with its buckets: one table for all workers, and a small one of purses for each of them. Built by
// control/limits_builder.h, with the limits.
//
// Fixed memory, no lock: a client's bucket is a cache line in one of three places of its set. A client that has none takes
// the place of one whose buckets have their whole burst again and that has no connection: that one loses nothing, since a
// new bucket is just as full. So nobody can make another lose what it has used up, nor be rid of what it used up itself,
// however many addresses it sends from. Where all three are in use, the set's fourth bucket is shared by those who found no
// place: they have one client's rates together, and their connections are not counted. A keyed hash of 64 bits tells
// clients apart, so that nobody outside can choose whom to share a set with.
//
// The purses of a worker are in a table of its own, one place for each hash: a client that loses its place there loses a
// batch of tokens at most. Owner: buckets, all workers; purses, one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/flow_hash.h"
#include "dataplane/token_bucket.h"
#include "src/base/address.h"

namespace shunt::dataplane {

struct alignas(64) ClientBucket {
  // The upper 40 bits of the client's hash, never zero, and its connections; 0: nobody's.
  std::atomic<uint64_t> owner{0};
  std::array<Bucket, 3> buckets{};  // by Limit
};

struct alignas(64) ClientPurse {
  uint64_t hash = 0;
  std::array<Purse, 3> purses;  // by Limit; that of new connections is not used
};

struct ClientTable {
  static constexpr uint32_t kOwnPlaces = 3;
  static constexpr uint32_t kPlaces = 4;  // of a set
  static constexpr uint32_t kConnectionBits = 24;
  static constexpr uint64_t kMostConnections = (uint64_t{1} << kConnectionBits) - 1;

  ClientBucket* buckets = nullptr;  // kPlaces for each set
  uint32_t sets = 0;                // a power of two
  ClientPurse* purses = nullptr;    // purse_count for each worker
  uint32_t purse_count = 0;         // a power of two
  HashKey key;

  static uint64_t owner_of(uint64_t hash) noexcept {
    const uint64_t upper = hash >> kConnectionBits;
    return (upper == 0 ? 1 : upper) << kConnectionBits;
  }
  // Of the bits of the address that count.
  uint64_t hash_of(const IpAddress& client, uint8_t prefix) const noexcept;
  // The client's own; nullptr: it has none.
  ClientBucket* find(uint64_t hash) const noexcept;
  // The same, a free one if it has none, or the one that it shares: `bursts` by Limit say when one is free.
  ClientBucket& find_or_take(uint64_t hash, const std::array<LimitTime, 3>& bursts, LimitTime now) const noexcept;
  bool is_shared(const ClientBucket& bucket) const noexcept { return (&bucket - buckets) % kPlaces == kOwnPlaces; }
  // One connection more of the client's; false: it has `most`. The client may have lost its bucket meanwhile: true, and
  // nothing is counted.
  static bool enter(ClientBucket& bucket, uint64_t hash, uint32_t most) noexcept;
  void leave(uint64_t hash) const noexcept;
  // This worker's, empty if it was another client's.
  ClientPurse& purse_of(uint32_t worker, uint64_t hash) const noexcept;
};

struct ClientLimits {
  std::array<Rate, 3> rates;  // by Limit
  uint32_t connections = 0;   // at a time; 0: any number
  uint8_t prefix = 0;         // bits of an address that all count as one client
  // No buckets: there are no limits of clients.
  ClientTable table;

  bool is_set() const noexcept { return table.buckets != nullptr; }
  std::array<LimitTime, 3> bursts() const noexcept { return {rates[0].burst, rates[1].burst, rates[2].burst}; }
};

}  // namespace shunt::dataplane
