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
  static constexpr uint32_t kVersion = 3;

  static constexpr uint32_t kSlots = 10;
  struct alignas(64) Bucket {
    uint16_t tags[kSlots];  // 0: free
    uint16_t overflowed;    // keys that passed this bucket because it was full
    uint16_t padding;
    uint32_t references[kSlots];  // what a tag stands for: reference_to()
  };
  static_assert(sizeof(Bucket) == 64);

  // A key's entry as the index refers to it: the address of the half that holds the key. kAbsent: surely none; kSearch:
  // not in the first place looked at.
  using Reference = uintptr_t;
  static constexpr Reference kAbsent = 0;
  static constexpr Reference kSearch = 1;
  static bool is_entry(Reference reference) noexcept { return reference > kSearch; }

  struct Found {
    Entry* entry = nullptr;
    Direction direction = Direction::kRequest;
  };

  static constexpr uint32_t buckets_for(uint32_t capacity) noexcept { return capacity / 5 * 2 + 16; }
  // Memory that attach() needs, in bytes, for up to `capacity` connections (1..2^30-1).
  static constexpr size_t bytes_for(uint32_t capacity) noexcept {
    return sizeof(TableHeader) + sizeof(Bucket) * (size_t{buckets_for(capacity)} + kMaxProbes) +
           sizeof(Entry) * (size_t{capacity} + 1);
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
    // Aligned to its size, so that an address says which half of an entry it is of.
    const auto end = reinterpret_cast<uintptr_t>(buckets_ + bucket_count_ + kMaxProbes);
    entries_ = reinterpret_cast<Entry*>((end + sizeof(Entry) - 1) & ~(sizeof(Entry) - 1));
  }

  uint32_t capacity() const noexcept { return header_->capacity; }
  uint32_t used() const noexcept { return header_->used; }
  bool is_full() const noexcept { return header_->used == header_->capacity; }

  // `key`: a Key, or what flow_hash() and holds() take for one (a packet's block).
  template <typename AnyKey>
  uint64_t hash(const AnyKey& key) const noexcept { return flow_hash(key_, key) | kTagged; }
  // A key's place in the index, its cache line fetched.
  const Bucket* prefetch_bucket(uint64_t hash) const noexcept {
    const Bucket* bucket = home(hash);
    _mm_prefetch(bucket, _MM_HINT_T0);
    return bucket;
  }

  // The entry that most likely holds the key: its cache lines are fetched, nothing is compared.
  Reference prefetch_entry(const Bucket& bucket, uint64_t hash) const noexcept {
    Reference other;
    return prefetch_entry(bucket, hash, other);
  }
  // `other`: where each half of an entry is a line, the second one that such a packet needs, or the same once more.
  Reference prefetch_entry(const Bucket& bucket, uint64_t hash, Reference& other) const noexcept {
    const uint32_t matches = matches_of(bucket, tag_of(hash));
    if (matches == 0) [[unlikely]] return bucket.overflowed == 0 ? kAbsent : kSearch;
    const uint32_t held = held_in(bucket, matches);
    const Reference reference = reference_of(held);
    __builtin_prefetch(reinterpret_cast<const void*>(reference), 1);
    if constexpr (kTwoLines) {
      // No branch on what packets of several methods need.
      other = reference ^ (held & kBothLines) * kHalf;
      __builtin_prefetch(reinterpret_cast<const void*>(other), 1);
    }
    return reference;
  }

  // What prefetch_entry() began, the table not having changed since: compares the whole key. Entries past their time are
  // found, too: the caller decides.
  template <typename AnyKey>
  [[gnu::always_inline]] Found find(Reference reference, uint64_t hash, const AnyKey& key) noexcept {
    const Found fetched = find_fetched(reference, key);
    if (fetched.entry != nullptr) [[likely]] return fetched;
    return reference == kAbsent ? Found{} : search(hash, key);
  }
  // The same at the very place that was fetched, where nearly all are that the table has; elsewhere nothing is looked for.
  template <typename AnyKey>
  [[gnu::always_inline]] static Found find_fetched(Reference reference, const AnyKey& key) noexcept {
    return is_entry(reference) && holds(reinterpret_cast<const Key*>(reference), key) ? resolve(reference) : Found{};
  }

  Found find(const Key& key) noexcept { return search(hash(key), lookup_key_of(key)); }
  // By which find_fetched() finds it again, as long as the table does not change.
  static Reference reference_of(const Found& found) noexcept {
    return reinterpret_cast<Reference>(found.entry) + static_cast<size_t>(found.direction) * kHalf;
  }

  // A free entry, zeroed but for its flags, not yet findable; nullptr when the table is full.
  Entry* allocate() noexcept {
    uint32_t index = header_->free_head;
    if (index != kNoEntry) {
      header_->free_head = entries_[index].control.index;
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
    const uint64_t request = hash(entry->request);
    if (!link(request, reference_to(entry, Direction::kRequest))) return false;
    if ((entry->flags & kConnectionTwoWay) == 0) return true;
    if (link(hash(entry->reply), reference_to(entry, Direction::kReply))) return true;
    unlink(request, reference_to(entry, Direction::kRequest));
    return false;
  }

  // Takes the entry out of the index and gives its memory back.
  void erase(Entry* entry) noexcept {
    unlink(hash(entry->request), reference_to(entry, Direction::kRequest));
    if (entry->flags & kConnectionTwoWay) unlink(hash(entry->reply), reference_to(entry, Direction::kReply));
    release(entry);
  }

  // Gives back an entry that was never inserted.
  void release(Entry* entry) noexcept {
    entry->flags = 0;
    entry->control.index = header_->free_head;
    header_->free_head = index_of(entry);
    --header_->used;
  }

  // The entry at `index`, used or not; nullptr from the first never used one on. For walks in order.
  Entry* at(uint32_t index) noexcept { return index < header_->fresh ? &entries_[index] : nullptr; }
  uint32_t index_of(const Entry* entry) const noexcept { return static_cast<uint32_t>(entry - entries_); }

 private:
  static constexpr size_t kHalf = sizeof(Entry) / 2;
  static constexpr uint32_t kSlotMask = (1u << 2 * kSlots) - 1;
  // A key lies at most this many buckets after its home.
  static constexpr uint32_t kMaxProbes = 16;

  // A tag is a hash's upper 16 bits; one of them is always set, so that none is 0.
  static constexpr uint64_t kTagged = uint64_t{1} << 48;
  static uint16_t tag_of(uint64_t hash) noexcept { return static_cast<uint16_t>(hash >> 48); }

  Bucket* home(uint64_t hash) const noexcept {
    return &buckets_[(uint64_t{static_cast<uint32_t>(hash)} * bucket_count_) >> 32];
  }

  // Two equal bits per slot that has the tag.
  static uint32_t matches_of(const Bucket& bucket, uint16_t tag) noexcept {
    const __m256i tags = _mm256_load_si256(reinterpret_cast<const __m256i*>(&bucket));
    const __m256i equal = _mm256_cmpeq_epi16(tags, _mm256_set1_epi16(static_cast<int16_t>(tag)));
    return static_cast<uint32_t>(_mm256_movemask_epi8(equal)) & kSlotMask;
  }
  static uint32_t first_slot(uint32_t matches) noexcept { return static_cast<uint32_t>(__builtin_ctz(matches)) / 2; }
  static uint32_t without_first(uint32_t matches) noexcept { return matches & ~(3u << __builtin_ctz(matches)); }

  // An entry's half as a bucket holds it: twice the entry's index, one more if by its reply. Where each half is a cache
  // line of its own, one more bit at the low end says whether such a packet needs both: a reply finds its key in the
  // second and its state in the first, fullnat's and snat's request is rewritten by the second.
  static constexpr bool kTwoLines = kHalf >= 64;
  static constexpr uint32_t kBothLines = 1;
  uint32_t reference_to(const Entry* entry, Direction direction) const noexcept {
    const uint32_t half = index_of(entry) * 2 + static_cast<uint32_t>(direction);
    if constexpr (!kTwoLines) return half;
    const bool both = direction == Direction::kReply || is_mirrored(entry->method);
    return half * 2 + (both ? kBothLines : 0);
  }
  Reference reference_of(uint32_t held) const noexcept {
    return reinterpret_cast<Reference>(entries_) + size_t{kTwoLines ? held / 2 : held} * kHalf;
  }

  // What the first of the matching slots holds.
  static uint32_t held_in(const Bucket& bucket, uint32_t matches) noexcept {
    // Two bits a slot and four bytes a reference: no division.
    const auto* references = reinterpret_cast<const uint8_t*>(bucket.references);
    uint32_t held;
    std::memcpy(&held, references + size_t{2} * static_cast<uint32_t>(__builtin_ctz(matches)), sizeof held);
    return held;
  }

  static Found resolve(Reference reference) noexcept {
    const auto half = static_cast<Direction>(reference / kHalf % 2);
    auto* entry = reinterpret_cast<Entry*>(reference & ~(sizeof(Entry) - 1));
    if (entry == nullptr) __builtin_unreachable();
    return {entry, half};
  }

  template <typename AnyKey>
  [[gnu::noinline, gnu::cold]] Found search(uint64_t hash, AnyKey key) noexcept {
    const uint16_t tag = tag_of(hash);
    const Bucket* bucket = home(hash);
    for (uint32_t probe = 0; probe <= kMaxProbes; ++probe, ++bucket) {
      for (uint32_t matches = matches_of(*bucket, tag); matches != 0; matches = without_first(matches)) {
        const Reference reference = reference_of(held_in(*bucket, matches));
        if (holds(reinterpret_cast<const Key*>(reference), key)) return resolve(reference);
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
      const uint32_t slot = first_slot(free);
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
      for (uint32_t matches = matches_of(bucket, tag_of(hash)); matches != 0; matches = without_first(matches)) {
        const uint32_t slot = first_slot(matches);
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
