#include "dataplane/schedulers/localities.h"

#include <algorithm>
#include <memory>

namespace shunt::dataplane {
namespace {

// Entries of which the longest unused one gives way.
constexpr uint32_t kLookedAt = 16;

}  // namespace

void LocalityCache::attach(void* memory, const HashKey& key) noexcept {
  key_ = key;
  entries_ = static_cast<Entry*>(memory);
  members_ = reinterpret_cast<Member*>(entries_ + kEntries);
  rows_ = reinterpret_cast<uint32_t*>(members_ + kMembers);
  std::uninitialized_default_construct_n(entries_, kEntries);
  std::uninitialized_default_construct_n(members_, kMembers);
  std::uninitialized_fill_n(rows_, kRows, kNone);
  fresh_entries_ = fresh_members_ = hand_ = 0;
  free_members_ = kNone;
}

// Under a key, as clients may choose the destination.
uint32_t& LocalityCache::row_of(ServiceId service, const IpAddress& destination) const noexcept {
  FlowKey6 block;
  block.source = destination.bytes;
  std::memcpy(block.destination.data(), &service.index, sizeof service.index);
  return rows_[flow_hash(key_, block) % kRows];
}

LocalityCache::Entry* LocalityCache::find(ServiceId service, const IpAddress& destination, Tick now) noexcept {
  for (uint32_t i = row_of(service, destination); i != kNone; i = entries_[i].next) {
    Entry& entry = entries_[i];
    if (entry.service != service || entry.destination != destination) continue;
    if (now - entry.used >= kExpirationMs) clear(entry);
    entry.used = now;
    return &entry;
  }
  return nullptr;
}

const LocalityCache::Entry* LocalityCache::peek(ServiceId service, const IpAddress& destination,
                                                Tick now) const noexcept {
  for (uint32_t i = row_of(service, destination); i != kNone; i = entries_[i].next) {
    const Entry& entry = entries_[i];
    if (entry.service != service || entry.destination != destination) continue;
    return now - entry.used >= kExpirationMs ? nullptr : &entry;
  }
  return nullptr;
}

LocalityCache::Entry* LocalityCache::add(ServiceId service, const IpAddress& destination, Tick now) noexcept {
  const uint32_t place = take_place(now);
  uint32_t& row = row_of(service, destination);
  entries_[place] = {destination, service, row, kNone, 0, now, now};
  row = place;
  return &entries_[place];
}

uint32_t LocalityCache::take_place(Tick now) noexcept {
  if (fresh_entries_ < kEntries) return fresh_entries_++;
  uint32_t oldest = hand_;
  for (uint32_t i = 0; i < kLookedAt; ++i) {
    if (now - entries_[hand_].used > now - entries_[oldest].used) oldest = hand_;
    hand_ = (hand_ + 1) % kEntries;
  }
  forget(oldest);
  return oldest;
}

void LocalityCache::forget(uint32_t index) noexcept {
  Entry& entry = entries_[index];
  clear(entry);
  uint32_t* link = &row_of(entry.service, entry.destination);
  while (*link != index) link = &entries_[*link].next;
  *link = entry.next;
}

bool LocalityCache::has(const Entry& entry, RealId real) const noexcept {
  for (const Member* member = first_of(entry); member != nullptr; member = after(*member)) {
    if (member->real == real) return true;
  }
  return false;
}

void LocalityCache::insert(Entry& entry, RealId real, Tick now) noexcept {
  uint32_t place = free_members_;
  if (place != kNone) free_members_ = members_[place].next;
  else if (fresh_members_ < kMembers) place = fresh_members_++;
  else return;
  members_[place] = {real, entry.first};
  entry.first = place;
  ++entry.count;
  entry.changed = now;
}

void LocalityCache::erase(Entry& entry, RealId real, Tick now) noexcept {
  for (uint32_t* link = &entry.first; *link != kNone; link = &members_[*link].next) {
    const uint32_t place = *link;
    if (members_[place].real != real) continue;
    *link = members_[place].next;
    members_[place].next = free_members_;
    free_members_ = place;
    --entry.count;
    entry.changed = now;
    return;
  }
}

void LocalityCache::clear(Entry& entry) noexcept {
  while (entry.first != kNone) erase(entry, members_[entry.first].real, entry.changed);
}

}  // namespace shunt::dataplane
