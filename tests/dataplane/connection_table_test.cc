#include "dataplane/connection_table.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace shunt::dataplane {
namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// A table in memory of its own size, fenced so that a write beyond it shows.
template <typename Table>
class Fenced {
 public:
  explicit Fenced(uint32_t capacity, uint8_t secret = 7) : bytes_(Table::bytes_for(capacity)) {
    const size_t rounded = (bytes_ + kFence + 63) & ~size_t{63};
    memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(64, rounded)));
    std::memset(memory_.get(), 0, bytes_);
    std::memset(memory_.get() + bytes_, 0xa5, rounded - bytes_);
    table.attach(memory_.get(), capacity, HashKey::from_bytes({secret, 1, 2, 3}));
  }
  ~Fenced() {
    for (size_t i = 0; i < kFence; ++i)
      EXPECT_EQ(memory_.get()[bytes_ + i], 0xa5) << "written beyond the table";
  }

  Table table;

 private:
  static constexpr size_t kFence = 64;
  size_t bytes_;
  std::unique_ptr<uint8_t, Free> memory_;
};

FlowKey key_of(FlowKey*, uint64_t number) {
  FlowKey key;
  key.source = Be32::from_host(static_cast<uint32_t>(number * 2654435761u));
  key.destination = Be32::from_host(0xcb00710a + static_cast<uint32_t>(number >> 32));
  key.source_port = Be16::from_host(static_cast<uint16_t>(number));
  key.destination_port = Be16::from_host(static_cast<uint16_t>(number >> 16));
  key.protocol = 6;
  return key;
}
FlowKey6 key_of(FlowKey6*, uint64_t number) {
  FlowKey6 key{};
  std::memcpy(key.source.data() + 3, &number, 8);
  key.destination[15] = static_cast<uint8_t>(number);
  key.source_port = Be16::from_host(static_cast<uint16_t>(number));
  key.protocol = 6;
  return key;
}

template <typename Table>
class ConnectionTableOf : public testing::Test {
 protected:
  using Key = typename Table::Key;
  static Key key(uint64_t number, uint8_t protocol = 6) {
    Key key = key_of(static_cast<Key*>(nullptr), number);
    key.protocol = protocol;
    return key;
  }
  // As the packet path asks.
  static auto asked(const Key& key) { return lookup_key_of(key); }

  // A two-way connection has numbers n and n + 2^32 for its request and reply.
  static auto* add(Table& table, uint64_t number, bool two_way, uint8_t protocol = 6) {
    auto* entry = table.allocate();
    if (entry == nullptr) return entry;
    entry->request = key(number, protocol);
    entry->reply = key(number + (1ull << 32), protocol);
    if (two_way) entry->flags |= kConnectionTwoWay;
    if (!table.insert(entry)) {
      table.release(entry);
      return decltype(entry){nullptr};
    }
    return entry;
  }
};

using Tables = testing::Types<ConnectionTable, ConnectionTable6>;
TYPED_TEST_SUITE(ConnectionTableOf, Tables);

TYPED_TEST(ConnectionTableOf, BothDirectionsFindTheSameEntry) {
  Fenced<TypeParam> fenced(64);
  auto& table = fenced.table;
  auto* entry = this->add(table, 1, true);
  ASSERT_NE(entry, nullptr);
  const auto request = table.find(this->key(1));
  EXPECT_EQ(request.entry, entry);
  EXPECT_EQ(request.direction, Direction::kRequest);
  const auto reply = table.find(this->key(1 + (1ull << 32)));
  EXPECT_EQ(reply.entry, entry);
  EXPECT_EQ(reply.direction, Direction::kReply);
}

TYPED_TEST(ConnectionTableOf, OneWayConnectionIsNotFoundByItsReply) {
  Fenced<TypeParam> fenced(64);
  this->add(fenced.table, 1, false);
  EXPECT_NE(fenced.table.find(this->key(1)).entry, nullptr);
  EXPECT_EQ(fenced.table.find(this->key(1 + (1ull << 32))).entry, nullptr);
}

TYPED_TEST(ConnectionTableOf, ProtocolIsPartOfTheKey) {
  Fenced<TypeParam> fenced(64);
  auto* tcp = this->add(fenced.table, 1, true, 6);
  EXPECT_EQ(fenced.table.find(this->key(1, 17)).entry, nullptr);
  auto* udp = this->add(fenced.table, 1, true, 17);
  EXPECT_EQ(fenced.table.find(this->key(1, 17)).entry, udp);
  EXPECT_EQ(fenced.table.find(this->key(1)).entry, tcp);
}

TYPED_TEST(ConnectionTableOf, EveryByteOfTheKeyCounts) {
  Fenced<TypeParam> fenced(64);
  this->add(fenced.table, 12345, false);
  // What follows a key in the entry is no part of it.
  for (size_t byte = 0; byte < sizeof(typename TypeParam::Key); ++byte) {
    auto other = this->key(12345);
    reinterpret_cast<uint8_t*>(&other)[byte] ^= 1;
    EXPECT_EQ(fenced.table.find(other).entry, nullptr) << "byte " << byte;
  }
}

TYPED_TEST(ConnectionTableOf, ErasedEntryIsGoneInBothDirectionsAndReused) {
  Fenced<TypeParam> fenced(64);
  auto& table = fenced.table;
  auto* entry = this->add(table, 1, true);
  entry->in_packets = 77;
  table.erase(entry);
  EXPECT_EQ(table.used(), 0u);
  EXPECT_EQ(table.find(this->key(1)).entry, nullptr);
  EXPECT_EQ(table.find(this->key(1 + (1ull << 32))).entry, nullptr);
  auto* again = this->add(table, 2, true);
  EXPECT_EQ(again, entry);
  EXPECT_EQ(again->in_packets, 0u) << "a new connection begins zeroed";
}

TYPED_TEST(ConnectionTableOf, FillsToItsCapacityAndNoFurther) {
  constexpr uint32_t kCapacity = 5000;
  Fenced<TypeParam> fenced(kCapacity);
  auto& table = fenced.table;
  uint32_t refused = 0;
  for (uint64_t number = 0; number < kCapacity; ++number)
    refused += this->add(table, number, true) == nullptr;
  EXPECT_EQ(refused, 0u) << "half of the slots are used: no bucket's neighbourhood may be full";
  EXPECT_TRUE(table.is_full());
  EXPECT_EQ(table.allocate(), nullptr);
  for (uint64_t number = 0; number < kCapacity; ++number) {
    ASSERT_NE(table.find(this->key(number)).entry, nullptr);
    ASSERT_NE(table.find(this->key(number + (1ull << 32))).entry, nullptr);
  }
  for (uint64_t number = kCapacity; number < 3 * kCapacity; ++number) {
    ASSERT_EQ(table.find(this->key(number)).entry, nullptr);
  }
}

TYPED_TEST(ConnectionTableOf, PrefetchedReferencesLeadToTheSameAnswers) {
  constexpr uint32_t kCapacity = 3000;
  Fenced<TypeParam> fenced(kCapacity);
  auto& table = fenced.table;
  for (uint64_t number = 0; number < kCapacity; ++number) this->add(table, number, true);
  for (uint64_t number = 0; number < 2 * kCapacity; ++number) {
    for (const uint64_t reply : {uint64_t{0}, uint64_t{1} << 32}) {
      const auto key = this->key(number + reply);
      const uint64_t hash = table.hash(this->asked(key));
      const auto found = table.find(table.prefetch_entry(*table.prefetch_bucket(hash), hash), hash, this->asked(key));
      const auto expected = table.find(key);
      ASSERT_EQ(found.entry, expected.entry);
      ASSERT_EQ(found.direction, expected.direction);
      ASSERT_EQ(found.entry != nullptr, number < kCapacity);
    }
  }
}

// The reference was taken before an earlier packet of the burst changed the table.
TYPED_TEST(ConnectionTableOf, StaleReferenceFindsNothingWrong) {
  Fenced<TypeParam> fenced(64);
  auto& table = fenced.table;
  auto* entry = this->add(table, 1, false);
  const uint64_t hash = table.hash(this->asked(this->key(1)));
  const auto reference = table.prefetch_entry(*table.prefetch_bucket(hash), hash);
  table.erase(entry);
  auto* other = this->add(table, 2, false);
  ASSERT_EQ(other, entry) << "same memory, another connection";
  EXPECT_EQ(table.find(reference, hash, this->asked(this->key(1))).entry, nullptr);
}

TYPED_TEST(ConnectionTableOf, RandomLifeAgreesWithAMap) {
  constexpr uint32_t kCapacity = 600;
  for (const uint32_t seed : {1u, 2u, 3u}) {
    Fenced<TypeParam> fenced(kCapacity, static_cast<uint8_t>(seed));
    auto& table = fenced.table;
    std::mt19937 random(seed);
    std::map<uint64_t, std::pair<decltype(table.allocate()), bool>> model;
    for (int step = 0; step < 60000; ++step) {
      const uint64_t number = random() % 900;
      const auto found = model.find(number);
      // Tides: grow to the brim, shrink to a few, and again.
      const bool grow = step / 3000 % 2 == 0;
      if (found == model.end() && (grow || random() % 4 == 0)) {
        const bool two_way = random() % 2;
        auto* entry = this->add(table, number, two_way);
        ASSERT_EQ(entry == nullptr, model.size() == kCapacity) << "step " << step;
        if (entry != nullptr) model[number] = {entry, two_way};
      } else if (found != model.end() && (!grow || random() % 4 == 0)) {
        table.erase(found->second.first);
        model.erase(found);
      }
      const uint64_t asked = random() % 900;
      const auto expected = model.find(asked);
      ASSERT_EQ(table.find(this->key(asked)).entry,
                expected == model.end() ? nullptr : expected->second.first);
      ASSERT_EQ(
          table.find(this->key(asked + (1ull << 32))).entry,
          expected == model.end() || !expected->second.second ? nullptr : expected->second.first);
      ASSERT_EQ(table.used(), model.size());
    }
  }
}

// A handful of buckets far beyond what they hold: overflow, refusal, and everything still found.
TYPED_TEST(ConnectionTableOf, RefusedInsertLeavesNoTrace) {
  // Capacity far above what the index of a small table holds cannot be made, so aim: keys of one
  // home bucket.
  Fenced<TypeParam> fenced(2000);
  auto& table = fenced.table;
  const uint32_t buckets = TypeParam::buckets_for(2000);
  const auto home = [&](uint64_t number) {
    return uint64_t{static_cast<uint32_t>(table.hash(this->key(number)))} * buckets >> 32;
  };
  std::vector<uint64_t> crowd;
  for (uint64_t number = 0; crowd.size() < 200; ++number) {
    if (home(number) == home(0)) crowd.push_back(number);
  }
  std::vector<uint64_t> held;
  std::vector<uint64_t> refused;
  for (const uint64_t number : crowd)
    (this->add(table, number, false) ? held : refused).push_back(number);
  EXPECT_EQ(held.size(), 17u * 10) << "the home bucket and the 16 after it";
  EXPECT_EQ(table.used(), held.size());
  for (const uint64_t number : held) EXPECT_NE(table.find(this->key(number)).entry, nullptr);
  for (const uint64_t number : refused) EXPECT_EQ(table.find(this->key(number)).entry, nullptr);

  // Erased in another order than inserted; the rest stays findable past the gaps.
  std::set<uint64_t> left(held.begin(), held.end());
  std::shuffle(held.begin(), held.end(), std::mt19937(5));
  for (const uint64_t number : held) {
    table.erase(table.find(this->key(number)).entry);
    left.erase(number);
    for (const uint64_t other : left) ASSERT_NE(table.find(this->key(other)).entry, nullptr);
  }
  // Nothing is counted as overflowed any more: a miss ends at its home bucket.
  const uint64_t empty = table.hash(this->key(crowd[0]));
  EXPECT_EQ(table.prefetch_entry(*table.prefetch_bucket(empty), empty), TypeParam::kAbsent);
}

TYPED_TEST(ConnectionTableOf, WalkInOrderSeesEveryUsedEntry) {
  Fenced<TypeParam> fenced(100);
  auto& table = fenced.table;
  EXPECT_EQ(table.at(0), nullptr);
  std::vector<decltype(table.allocate())> entries;
  for (uint64_t number = 0; number < 50; ++number)
    entries.push_back(this->add(table, number, true));
  for (size_t i = 0; i < 50; i += 2) table.erase(entries[i]);
  uint32_t used = 0;
  uint32_t index = 0;
  for (; table.at(index) != nullptr; ++index)
    used += (table.at(index)->flags & kConnectionUsed) != 0;
  EXPECT_EQ(used, 25u);
  EXPECT_EQ(index, 50u);
}

TEST(ConnectionTable, OneConnectionTakesAtMost100BytesIndexIncluded) {
  for (const uint32_t capacity : {1024u, 262144u, 1048576u, 16777216u}) {
    const double each = static_cast<double>(ConnectionTable::bytes_for(capacity)) / capacity;
    EXPECT_LE(each, capacity == 1024 ? 110.0 : 100.0) << capacity;
  }
  EXPECT_EQ(sizeof(Connection), 64u);
}

TEST(ConnectionTable, OneIpv6ConnectionTakesAtMost160BytesIndexIncluded) {
  for (const uint32_t capacity : {65536u, 262144u, 1048576u}) {
    EXPECT_LE(static_cast<double>(ConnectionTable6::bytes_for(capacity)) / capacity, 160.0) << capacity;
  }
}

TEST(ConnectionTable, HeaderSaysWhatItHolds) {
  alignas(64) static uint8_t memory[64 * 1024];
  ASSERT_LE(ConnectionTable::bytes_for(100), sizeof memory);
  ConnectionTable table;
  table.attach(memory, 100, HashKey::from_bytes({}));
  const auto* header = reinterpret_cast<const TableHeader*>(memory);
  EXPECT_EQ(header->magic, TableHeader::kMagic);
  EXPECT_EQ(header->version, ConnectionTable::kVersion);
  EXPECT_EQ(header->entry_bytes, 64u);
  EXPECT_EQ(header->capacity, 100u);
  ASSERT_LE(ConnectionTable6::bytes_for(100), sizeof memory);
  ConnectionTable6().attach(memory, 100, HashKey::from_bytes({}));
  EXPECT_EQ(header->entry_bytes, 128u) << "one family's table is not taken for the other's";
}

}  // namespace
}  // namespace shunt::dataplane
