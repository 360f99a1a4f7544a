// A worker's connections: an index of one-cache-line buckets over a dense array of entries. Fixed memory, no
// allocation, no lock; owner: one worker.
//
// A bucket holds ten 16-bit tags, compared at once, and ten references to entries. A connection's key has one home
// bucket; what finds it full goes to the next and leaves a count behind, so that a lookup goes on only from buckets
// that overflowed. There are capacity/2.5 buckets: with both directions indexed (nat, fullnat) a full table
// fills half of the slots, and 99 of 100 lookups read one bucket and one entry.
//
// Expiry is lazy: an entry past its time is a miss to whoever looks for it, and sweep() gives its memory back
// later, walking the entries in order a few at a time.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "dataplane/connection.h"
#include "dataplane/flow_hash.h"

namespace shunt::dataplane {

// Starts the table's memory, so that a new process can check what it attaches to.
struct TableHeader {
  static constexpr uint64_t kMagic = 0x53484e5454424c31;  // "SHNTTBL1"
  uint64_t magic = 0;
  uint32_t version = 0;
  uint32_t entry_bytes = 0;
  uint32_t capacity = 0;
  uint32_t buckets = 0;
  uint32_t used = 0;
  uint32_t free_head = 0;  // index of the first free entry
  uint32_t fresh = 0;      // entries from here on were never used
  uint8_t padding[28] = {};
};
static_assert(sizeof(TableHeader) == 64);

inline constexpr uint32_t kNoEntry = UINT32_MAX;

template <typename Entry>
class BasicConnectionTable {
 public:
  using Key = decltype(Entry::request);
  static constexpr uint32_t kVersion = 1;

  struct Found {
    Entry* entry = nullptr;
    Direction direction = Direction::kRequest;
  };

  static constexpr uint32_t buckets_for(uint32_t capacity) noexcept { return capacity / 5 * 2 + 16; }
  // Memory that attach() needs, in bytes, for up to `capacity` connections (1..2^31-1).
  static constexpr size_t bytes_for(uint32_t capacity) noexcept {
    return sizeof(TableHeader) + sizeof(Bucket) * (size_t{buckets_for(capacity)} + kMaxProbes) +
           sizeof(Entry) * size_t{capacity};
  }

  // Takes zeroed memory of bytes_for(capacity) bytes, aligned to 64, which outlives the table.
  void attach(void* memory, uint32_t capacity, const HashKey& key) noexcept {
    key_ = key;
    header_ = static_cast<TableHeader*>(memory);
    *header_ = TableHeader{};
    header_->magic = TableHeader::kMagic;
    header_->version = kVersion;
    header_->entry_bytes = sizeof(Entry);
    header_->capacity = capacity;
    header_->buckets = buckets_for(capacity);
    header_->free_head = kNoEntry;
    bucket_count_ = header_->buckets;
    buckets_ = reinterpret_cast<Bucket*>(header_ + 1);
    entries_ = reinterpret_cast<Entry*>(buckets_ + bucket_count_ + kMaxProbes);
  }

  uint32_t capacity() const noexcept { return header_->capacity; }
  uint32_t used() const noexcept { return header_->used; }
  bool is_full() const noexcept { return header_->used == header_->capacity; }

  uint64_t hash(const Key& key, uint8_t protocol) const noexcept { return flow_hash(key_, key, protocol); }
  void prefetch_bucket(uint64_t hash) const noexcept { _mm_prefetch(home(hash), _MM_HINT_T0); }

  // The entry that most likely holds the key: its cache line is fetched, nothing is compared. References of
  // kNoEntry: surely absent from the home bucket, and nothing overflowed from it.
  uint32_t prefetch_entry(uint64_t hash) const noexcept {
    const Bucket& bucket = *home(hash);
    const uint32_t matches = matches_of(bucket, tag_of(hash));
    if (matches == 0) return bucket.overflowed == 0 ? kNoEntry : kSearch;
    const uint32_t reference = bucket.references[__builtin_ctz(matches)];
    __builtin_prefetch(&entries_[reference & kIndexMask], 1);
    return reference;
  }

  // What prefetch_entry() began: compares the whole key. Entries past their time are found, too: the caller decides.
  Found find(uint32_t reference, uint64_t hash, const Key& key, uint8_t protocol) noexcept {
    if (reference == kNoEntry) return {};
    if (reference != kSearch) [[likely]] {
      const Found found = resolve(reference);
      if (holds(found, key, protocol)) [[likely]] return found;
    }
    return search(hash, key, protocol);
  }

  Found find(const Key& key, uint8_t protocol) noexcept { return search(hash(key, protocol), key, protocol); }

  // A free entry, zeroed but for its flags, not yet findable; nullptr when the table is full.
  Entry* allocate() noexcept {
    uint32_t index = header_->free_head;
    if (index != kNoEntry) {
      header_->free_head = entries_[index].service.index;
    } else if (header_->fresh < header_->capacity) {
      index = header_->fresh++;
    } else {
      return nullptr;
    }
    ++header_->used;
    entries_[index] = Entry{};
    entries_[index].flags = kConnectionUsed;
    return &entries_[index];
  }

  // Makes an allocated entry findable by its request and, with kConnectionTwoWay, its reply. False (nothing
  // changed): the buckets around one of them are all full. REQUIRES: neither key is in the table.
  bool insert(Entry* entry) noexcept {
    const uint32_t index = index_of(entry);
    const uint64_t request = hash(entry->request, entry->protocol);
    if (!link(request, index)) return false;
    if ((entry->flags & kConnectionTwoWay) == 0) return true;
    if (link(hash(entry->reply, entry->protocol), index | kReplyBit)) return true;
    unlink(request, index);
    return false;
  }

  // Takes the entry out of the index and gives its memory back.
  void erase(Entry* entry) noexcept {
    const uint32_t index = index_of(entry);
    unlink(hash(entry->request, entry->protocol), index);
    if (entry->flags & kConnectionTwoWay) unlink(hash(entry->reply, entry->protocol), index | kReplyBit);
    release(entry);
  }

  // Gives back an entry that was never inserted.
  void release(Entry* entry) noexcept {
    entry->flags = 0;
    entry->service.index = header_->free_head;
    header_->free_head = index_of(entry);
    --header_->used;
  }

  // The entry at `index`, used or not; nullptr from the first never used one on. For walks in order.
  Entry* at(uint32_t index) noexcept { return index < header_->fresh ? &entries_[index] : nullptr; }

 private:
  static constexpr uint32_t kSlots = 10;
  static constexpr uint32_t kSlotMask = (1u << kSlots) - 1;
  // A key lies at most this many buckets after its home.
  static constexpr uint32_t kMaxProbes = 16;
  static constexpr uint32_t kReplyBit = 1u << 31;
  static constexpr uint32_t kIndexMask = kReplyBit - 1;
  static constexpr uint32_t kSearch = UINT32_MAX - 1;

  struct alignas(64) Bucket {
    uint16_t tags[kSlots];  // 0: free
    uint16_t overflowed;    // keys that passed this bucket because it was full
    uint16_t padding;
    uint32_t references[kSlots];  // index of the entry, kReplyBit if by its reply
  };
  static_assert(sizeof(Bucket) == 64);

  static uint16_t tag_of(uint64_t hash) noexcept {
    const auto tag = static_cast<uint16_t>(hash >> 48);
    return tag == 0 ? 1 : tag;
  }

  Bucket* home(uint64_t hash) const noexcept {
    return &buckets_[(uint64_t{static_cast<uint32_t>(hash)} * bucket_count_) >> 32];
  }

  // One bit per slot that has the tag.
  static uint32_t matches_of(const Bucket& bucket, uint16_t tag) noexcept {
    const auto* lines = reinterpret_cast<const __m128i*>(&bucket);
    const __m128i wanted = _mm_set1_epi16(static_cast<int16_t>(tag));
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(lines), wanted);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(lines + 1), wanted);
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high))) & kSlotMask;
  }

  uint32_t index_of(const Entry* entry) const noexcept { return static_cast<uint32_t>(entry - entries_); }

  Found resolve(uint32_t reference) const noexcept {
    return {&entries_[reference & kIndexMask], reference & kReplyBit ? Direction::kReply : Direction::kRequest};
  }

  static bool holds(const Found& found, const Key& key, uint8_t protocol) noexcept {
    const Key& held = found.direction == Direction::kRequest ? found.entry->request : found.entry->reply;
    return held == key && found.entry->protocol == protocol;
  }

  Found search(uint64_t hash, const Key& key, uint8_t protocol) noexcept {
    const uint16_t tag = tag_of(hash);
    const Bucket* bucket = home(hash);
    for (uint32_t probe = 0; probe <= kMaxProbes; ++probe, ++bucket) {
      for (uint32_t matches = matches_of(*bucket, tag); matches != 0; matches &= matches - 1) {
        const Found found = resolve(bucket->references[__builtin_ctz(matches)]);
        if (holds(found, key, protocol)) return found;
      }
      if (bucket->overflowed == 0) break;
    }
    return {};
  }

  bool link(uint64_t hash, uint32_t reference) noexcept {
    Bucket* const first = home(hash);
    for (uint32_t probe = 0; probe <= kMaxProbes; ++probe) {
      Bucket& bucket = first[probe];
      const uint32_t free = matches_of(bucket, 0);
      if (free == 0) continue;
      const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(free));
      bucket.tags[slot] = tag_of(hash);
      bucket.references[slot] = reference;
      for (uint32_t passed = 0; passed < probe; ++passed) ++first[passed].overflowed;
      return true;
    }
    return false;
  }

  void unlink(uint64_t hash, uint32_t reference) noexcept {
    Bucket* const first = home(hash);
    for (uint32_t probe = 0; probe <= kMaxProbes; ++probe) {
      Bucket& bucket = first[probe];
      for (uint32_t matches = matches_of(bucket, tag_of(hash)); matches != 0; matches &= matches - 1) {
        const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(matches));
        if (bucket.references[slot] != reference) continue;
        bucket.tags[slot] = 0;
        for (uint32_t passed = 0; passed < probe; ++passed) --first[passed].overflowed;
        return;
      }
    }
  }

  HashKey key_{};
  TableHeader* header_ = nullptr;
  uint32_t bucket_count_ = 0;
  Bucket* buckets_ = nullptr;
  Entry* entries_ = nullptr;
};

using ConnectionTable = BasicConnectionTable<Connection>;
using ConnectionTable6 = BasicConnectionTable<Connection6>;

}  // namespace shunt::dataplane
