#include "dataplane/client_table.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

// Its client has used up nothing and has no connection.
bool is_rested(const ClientBucket& bucket, uint64_t owner, const std::array<LimitTime, 3>& bursts, LimitTime now) noexcept {
  if ((owner & ClientTable::kMostConnections) != 0) return false;
  for (size_t i = 0; i < bursts.size(); ++i) {
    if (bursts[i] != 0 && ahead_of(bucket.buckets[i].load(std::memory_order_relaxed), bursts[i], now) > 0) return false;
  }
  return true;
}

bool belongs_to(uint64_t owner, uint64_t wanted) noexcept { return (owner & ~ClientTable::kMostConnections) == wanted; }

}  // namespace

uint64_t ClientTable::hash_of(const IpAddress& client, uint8_t prefix) const noexcept {
  FlowKey6 block;
  block.source = client.bytes;
  for (uint32_t i = 0; i < block.source.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(prefix) - static_cast<int>(8 * i), 0, 8);
    block.source[i] &= static_cast<uint8_t>(0xff00u >> kept);
  }
  return flow_hash(key, block);
}

ClientBucket* ClientTable::find(uint64_t hash) const noexcept {
  const uint64_t wanted = owner_of(hash);
  ClientBucket* set = buckets + (hash & (sets - 1)) * kPlaces;
  for (uint32_t i = 0; i < kOwnPlaces; ++i) {
    if (belongs_to(set[i].owner.load(std::memory_order_relaxed), wanted)) return &set[i];
  }
  return nullptr;
}

// Two workers that take a place for the same client at the same moment may give it two: once, it has its burst twice.
ClientBucket& ClientTable::find_or_take(uint64_t hash, const std::array<LimitTime, 3>& bursts, LimitTime now) const noexcept {
  if (ClientBucket* own = find(hash)) return *own;
  ClientBucket* set = buckets + (hash & (sets - 1)) * kPlaces;
  for (uint32_t i = 0; i < kOwnPlaces; ++i) {
    uint64_t owner = set[i].owner.load(std::memory_order_relaxed);
    if (!is_rested(set[i], owner, bursts, now)) continue;
    // A connection that begins meanwhile changes the owner's word.
    if (set[i].owner.compare_exchange_strong(owner, owner_of(hash), std::memory_order_relaxed)) return set[i];
  }
  return set[kOwnPlaces];
}

bool ClientTable::enter(ClientBucket& bucket, uint64_t hash, uint32_t most) noexcept {
  uint64_t owner = bucket.owner.load(std::memory_order_relaxed);
  while (belongs_to(owner, owner_of(hash))) {
    if ((owner & kMostConnections) >= std::min<uint64_t>(most, kMostConnections)) return false;
    if (bucket.owner.compare_exchange_weak(owner, owner + 1, std::memory_order_relaxed)) return true;
  }
  return true;
}

void ClientTable::leave(uint64_t hash) const noexcept {
  ClientBucket* own = find(hash);
  if (own == nullptr) return;
  uint64_t owner = own->owner.load(std::memory_order_relaxed);
  while (belongs_to(owner, owner_of(hash)) && (owner & kMostConnections) != 0) {
    if (own->owner.compare_exchange_weak(owner, owner - 1, std::memory_order_relaxed)) return;
  }
}

ClientPurse& ClientTable::purse_of(uint32_t worker, uint64_t hash) const noexcept {
  // Other bits than those that choose the set.
  ClientPurse& purse = purses[size_t{worker} * purse_count + (hash >> 40 & (purse_count - 1))];
  if (purse.hash != hash) purse = {hash, {}};
  return purse;
}

}  // namespace shunt::dataplane
