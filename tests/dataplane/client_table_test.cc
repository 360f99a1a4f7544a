#include "dataplane/client_table.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace shunt::dataplane {
namespace {

constexpr std::array<LimitTime, 3> kBursts = {100 * kLimitMs, 0, 0};
const Rate kRate{kLimitMs, 100 * kLimitMs, 1};  // 1000 a second

class Clients : public testing::Test {
 protected:
  // One set: three places, and one that others share.
  Clients() : buckets(ClientTable::kPlaces) {
    table.buckets = buckets.data();
    table.sets = 1;
    table.key = HashKey::from_bytes({1, 2, 3});
  }
  uint64_t hash(int client) { return table.hash_of(*IpAddress::parse("198.51.100." + std::to_string(client)), 32); }
  // Tokens that the client gets of so many at `now`.
  uint64_t bought(int client, uint64_t wanted, Tick now) {
    ClientBucket& bucket = table.find_or_take(hash(client), kBursts, limit_time(now));
    return buy(bucket.buckets[0], kRate, limit_time(now), wanted);
  }

  std::vector<ClientBucket> buckets;
  ClientTable table;
};

TEST_F(Clients, EachHasItsOwnBucketWhileThereIsRoom) {
  for (int client = 1; client <= 3; ++client) EXPECT_EQ(bought(client, 1000, 1), 100u);
  for (int client = 1; client <= 3; ++client) EXPECT_EQ(bought(client, 1000, 11), 10u) << "its own, used up";
}

TEST_F(Clients, WhoeverComesLaterTakesNothingFromThemAndIsNotRidOfALimit) {
  for (int client = 1; client <= 3; ++client) bought(client, 1000, 1);
  // A flood of addresses: all of them together have one bucket, and those before theirs as they were.
  uint64_t flood = 0;
  for (int client = 4; client < 250; ++client) flood += bought(client, 10, 1);
  EXPECT_EQ(flood, 100u);
  for (int client = 1; client <= 3; ++client) EXPECT_EQ(bought(client, 1000, 1), 0u) << client;
}

TEST_F(Clients, AFullBucketIsGivenToTheNext) {
  for (int client = 1; client <= 3; ++client) bought(client, 50, 1);
  EXPECT_EQ(bought(1, 60, 1), 50u);
  EXPECT_EQ(bought(9, 1000, 51), 100u) << "2 or 3 have their whole burst again";
  EXPECT_EQ(bought(9, 1000, 51), 0u);
  EXPECT_EQ(bought(1, 1000, 51), 50u) << "1 has not, and kept its own";
}

TEST_F(Clients, AClientWithConnectionsKeepsItsPlace) {
  for (int client = 1; client <= 3; ++client) {
    EXPECT_TRUE(ClientTable::enter(table.find_or_take(hash(client), kBursts, limit_time(1)), hash(client), 2));
  }
  EXPECT_TRUE(table.is_shared(table.find_or_take(hash(9), kBursts, limit_time(100'000))));
  EXPECT_TRUE(ClientTable::enter(*table.find(hash(1)), hash(1), 2));
  EXPECT_FALSE(ClientTable::enter(*table.find(hash(1)), hash(1), 2)) << "it has two";
  table.leave(hash(1));
  EXPECT_TRUE(ClientTable::enter(*table.find(hash(1)), hash(1), 2));
  table.leave(hash(2));
  EXPECT_FALSE(table.is_shared(table.find_or_take(hash(9), kBursts, limit_time(100'000))));
  EXPECT_EQ(table.find(hash(2)), nullptr);
  table.leave(hash(2));  // nobody's by now
}

TEST_F(Clients, BitsBeyondThePrefixDoNotTellThemApart) {
  const auto of = [this](const char* address, uint8_t prefix) { return table.hash_of(*IpAddress::parse(address), prefix); };
  EXPECT_EQ(of("198.51.100.1", 24), of("198.51.100.255", 24));
  EXPECT_NE(of("198.51.100.1", 24), of("198.51.101.1", 24));
  EXPECT_EQ(of("2001:db8:0:1::1", 64), of("2001:db8:0:1:ffff::", 64));
  EXPECT_NE(of("2001:db8:0:1::1", 64), of("2001:db8:0:2::1", 64));
  EXPECT_EQ(of("198.51.100.1", 25), of("198.51.100.127", 25));
  EXPECT_NE(of("198.51.100.1", 25), of("198.51.100.129", 25));
}

TEST_F(Clients, APurseIsOneClients) {
  std::vector<ClientPurse> purses(2);
  table.purses = purses.data();
  table.purse_count = 1;
  table.purse_of(0, hash(1)).purses[1].tokens = 5;
  EXPECT_EQ(table.purse_of(0, hash(1)).purses[1].tokens, 5u);
  EXPECT_EQ(table.purse_of(1, hash(1)).purses[1].tokens, 0u) << "another worker's";
  EXPECT_EQ(table.purse_of(0, hash(2)).purses[1].tokens, 0u);
  EXPECT_EQ(table.purse_of(0, hash(1)).purses[1].tokens, 0u) << "lost with its place";
}

}  // namespace
}  // namespace shunt::dataplane
