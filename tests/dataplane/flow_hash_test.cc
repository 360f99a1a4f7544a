#include "dataplane/flow_hash.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace shunt::dataplane {
namespace {

template <typename Key>
class FlowHashOf : public testing::Test {
 protected:
  static Key random_key(std::mt19937_64& random) {
    Key key;
    for (size_t i = 0; i < sizeof key; ++i)
      reinterpret_cast<uint8_t*>(&key)[i] = static_cast<uint8_t>(random());
    return key;
  }
};

using Keys = testing::Types<FlowKey, FlowKey6>;
TYPED_TEST_SUITE(FlowHashOf, Keys);

// Flips every bit of many inputs and counts how often each output bit follows: always about half.
TYPED_TEST(FlowHashOf, EveryInputBitFlipsEveryOutputBitHalfOfTheTime) {
  constexpr int kInputs = 4000;
  const HashKey secret = HashKey::from_bytes({3, 1, 4, 1, 5, 9, 2, 6});
  std::mt19937_64 random(42);
  constexpr size_t kBits = sizeof(TypeParam) * 8;
  std::vector<std::array<int, 64>> flips(kBits);
  for (int i = 0; i < kInputs; ++i) {
    const TypeParam key = this->random_key(random);
    const uint64_t before = flow_hash(secret, key);
    for (size_t bit = 0; bit < kBits; ++bit) {
      TypeParam flipped = key;
      reinterpret_cast<uint8_t*>(&flipped)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      const uint64_t changed = before ^ flow_hash(secret, flipped);
      for (int out = 0; out < 64; ++out) flips[bit][static_cast<size_t>(out)] += changed >> out & 1;
    }
  }
  // Six standard deviations of a fair coin; some 10,000 coins are thrown.
  const double tolerance = 6 * std::sqrt(kInputs * 0.25);
  for (size_t bit = 0; bit < kBits; ++bit) {
    for (size_t out = 0; out < 64; ++out) {
      ASSERT_NEAR(flips[bit][out], kInputs / 2.0, tolerance)
          << "input bit " << bit << ", output bit " << out;
    }
  }
}

// What an attacker sees: neighbouring clients and ports. The home bucket comes of the low half, the
// tag of the top.
TYPED_TEST(FlowHashOf, NeighbouringFlowsSpreadEvenlyOverBucketsAndTags) {
  const HashKey secret = HashKey::from_bytes({1});
  constexpr uint32_t kBuckets = 256;
  constexpr int kFlows = 65536;
  std::array<int, kBuckets> homes{};
  std::array<int, kBuckets> tags{};
  TypeParam key{};
  for (int i = 0; i < kFlows; ++i) {
    key.source_port = Be16::from_host(static_cast<uint16_t>(i));
    key.protocol = 6;
    const uint64_t hash = flow_hash(secret, key);
    ++homes[uint64_t{static_cast<uint32_t>(hash)} * kBuckets >> 32];
    ++tags[hash >> 56];
  }
  for (uint32_t i = 0; i < kBuckets; ++i) {
    EXPECT_NEAR(homes[i], kFlows / kBuckets, 100) << i;
    EXPECT_NEAR(tags[i], kFlows / kBuckets, 100) << i;
  }
}

TYPED_TEST(FlowHashOf, EverySecretBitMattersAndMovesFlowsElsewhere) {
  std::mt19937_64 random(7);
  const TypeParam key = this->random_key(random);
  std::set<uint64_t> hashes{flow_hash(HashKey::from_bytes({}), key)};
  for (int bit = 0; bit < 128; ++bit) {
    std::array<uint8_t, 16> secret{};
    secret[static_cast<size_t>(bit / 8)] = static_cast<uint8_t>(1 << bit % 8);
    hashes.insert(flow_hash(HashKey::from_bytes(secret), key));
  }
  EXPECT_EQ(hashes.size(), 129u);
}

// Flows that share a bucket under one secret do not under another: nobody can prepare them.
TYPED_TEST(FlowHashOf, CollisionsDoNotSurviveAChangeOfTheSecret) {
  const HashKey one = HashKey::from_bytes({1});
  const HashKey two = HashKey::from_bytes({2});
  std::mt19937_64 random(11);
  std::map<uint32_t, std::vector<TypeParam>> buckets;
  for (int i = 0; i < 20000; ++i) {
    const TypeParam key = this->random_key(random);
    buckets[static_cast<uint32_t>(flow_hash(one, key)) >> 24].push_back(key);
  }
  int together = 0;
  int pairs = 0;
  for (const auto& [bucket, keys] : buckets) {
    for (size_t i = 1; i < keys.size(); ++i) {
      ++pairs;
      together += (static_cast<uint32_t>(flow_hash(two, keys[0])) >> 24) ==
                  (static_cast<uint32_t>(flow_hash(two, keys[i])) >> 24);
    }
  }
  EXPECT_LT(together, pairs / 128) << "by chance it is one in 256";
}

// A lookup reads addresses where they lie in the packet: same hash, same answer as by a key put together.
TEST(FlowHash, ViewOfAPacketIsAsGoodAsItsKey) {
  const HashKey secret = HashKey::from_bytes({5});
  std::mt19937 random(5);
  alignas(64) std::array<uint8_t, 64> held{};
  for (int i = 0; i < 1000; ++i) {
    std::array<uint8_t, 32> addresses;
    for (uint8_t& byte : addresses) byte = static_cast<uint8_t>(random());
    const FlowView6 view{addresses.data(), (uint64_t{random()} << 32 | random()) & 0xff'ffff'ffff};
    const FlowKey6 key = FlowKey6::from(view);
    ASSERT_EQ(flow_hash(secret, view), flow_hash(secret, key));
    // What follows the key in its connection is no part of it.
    for (uint8_t& byte : held) byte = static_cast<uint8_t>(random());
    std::memcpy(held.data(), &key, sizeof key);
    ASSERT_TRUE(holds(reinterpret_cast<const FlowKey6*>(held.data()), view));
    held[random() % sizeof key] ^= 1;
    ASSERT_FALSE(holds(reinterpret_cast<const FlowKey6*>(held.data()), view));
  }
}

TEST(FlowHash, DirectionMatters) {
  const HashKey secret = HashKey::from_bytes({9});
  FlowKey key{Be32::from_host(1), Be32::from_host(2), Be16::from_host(3), Be16::from_host(4)};
  FlowKey back{key.destination, key.source, key.destination_port, key.source_port};
  EXPECT_NE(flow_hash(secret, key), flow_hash(secret, back));
}

}  // namespace
}  // namespace shunt::dataplane
