#include <gmock/gmock.h>

#include <array>
#include <utility>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool maglev() { return Pool(SchedulerKind::kMh); }

Pool maglev_of(int reals) {
  Pool pool = maglev();
  for (int i = 0; i < reals; ++i) pool.add("r" + std::to_string(i));
  return pool;
}

std::map<std::string, int> slots_of(Pool& pool) {
  std::map<std::string, int> counts;
  for (uint32_t slot = 0; slot < pool.slots().size(); ++slot) ++counts[pool.owner_of_slot(slot)];
  return counts;
}

std::vector<std::string> owners_of(Pool& pool) {
  std::vector<std::string> owners;
  for (uint32_t slot = 0; slot < pool.slots().size(); ++slot)
    owners.push_back(pool.owner_of_slot(slot));
  return owners;
}

// Real addresses of the known values below.
Pool known_pool() {
  Pool pool = maglev();
  pool.add_at(Be32::from_host(0x0a000001), Be16::from_host(8080), "2", 2);
  pool.add_at(Be32::from_host(0x0a000002), Be16::from_host(80), "1", 3);
  pool.add_at(Be32::from_host(0x0a000003), Be16::from_host(80), "0", 1);
  return pool;
}

std::string joined_picks(Pool& pool, uint32_t first, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += pool.pick(first + static_cast<uint32_t>(i));
  return all;
}

// The same as Linux 6.1's ip_vs_mh picks for these clients; the table, which Linux does not show,
// is a separate program's that agrees with Linux on all its picks.
TEST(Mh, TableAndPicksAreTheKnownOnes) {
  Pool pool = known_pool();
  EXPECT_EQ(pool.slots().size(), 4093u);
  EXPECT_THAT(slots_of(pool),
              testing::ElementsAre(testing::Pair("0", 683), testing::Pair("1", 2046),
                                   testing::Pair("2", 1364)));
  std::string beginning;
  for (uint32_t slot = 0; slot < 32; ++slot) beginning += pool.owner_of_slot(slot);
  EXPECT_EQ(beginning, "21122011012111221220010022112222");
  EXPECT_EQ(joined_picks(pool, 0xc0000201, 24), "112021121101211022021111");
}

TEST(Mh, DrainedRealsClientsAreRehashedAsKnown) {
  Pool pool = known_pool();
  pool.weigh("1", 0);
  EXPECT_EQ(joined_picks(pool, 0xc0000201, 24), "222020020202220022020222");
}

// The reals of the recordings from Linux 6.1's ip_vs_mh below.
Pool recorded_pool(uint8_t flags) {
  Pool pool = maglev();
  const std::pair<uint32_t, uint32_t> reals[] = {{4, 1}, {3, 3}, {2, 10}, {1, 1}};
  for (const auto& [last, weight] : reals) {
    pool.add_at(Be32::from_host(0x0a000000 + last), Be16::from_host(80), std::to_string(last), weight);
  }
  pool.set_flags(flags);
  return pool;
}

TEST(Mh, DrainedRealsClientsAreTurnedAwayAsInLinux) {
  Pool pool = recorded_pool(0);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(0x0a090140, 32),
            "3 3 1 - - - 3 - - - - - - - - - - - - - - 3 - 1 - 3 - - - 3 1 3");
}

TEST(Mh, DrainedRealsClientsFallBackAsInLinux) {
  Pool pool = recorded_pool(kFallback);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(0x0a090140, 32),
            "3 3 1 4 1 3 3 3 3 3 4 3 3 3 3 3 3 3 3 3 3 3 4 1 3 3 3 3 3 3 1 3");
}

TEST(Mh, PortsCountAsInLinux) {
  Pool pool = recorded_pool(kHashPort);
  EXPECT_EQ(pool.picks_of_clients(0x0a090100, 32, 2216),
            "2 4 3 2 4 2 2 2 2 2 3 2 2 2 3 2 2 3 2 2 2 2 2 2 2 2 3 2 2 2 3 4");
  EXPECT_EQ(pool.picks_of_ports(0x0a090207, 30000, 16), "2 2 2 2 2 4 2 3 2 1 2 2 2 2 2 1");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(0x0a090140, 32, 2216),
            "- 4 - - - - - 3 - 3 - - 4 - - - - - - 3 - 4 1 - - 4 - - - - - -");
}

TEST(Mh, PortsAndFallbackGoTogetherAsInLinux) {
  Pool pool = recorded_pool(kHashPort | kFallback);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(0x0a090140, 32, 2217),
            "4 3 3 4 3 1 3 3 3 3 3 4 4 4 1 1 4 3 3 1 4 1 1 4 4 3 1 3 3 3 3 3");
}

TEST(Mh, PicksOfIpv6ClientsAreLinuxs) {
  Pool pool = maglev();
  const std::pair<uint8_t, uint32_t> reals[] = {{4, 1}, {3, 3}, {2, 10}, {1, 1}};
  for (const auto& [last, weight] : reals) {
    const std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    pool.add_at(IpAddress::from_v6(bytes.data()), Be16::from_host(80), std::to_string(last), weight);
  }
  EXPECT_EQ(picks_of_recorded_ipv6_clients(pool), "3 3 2 2 2 2 2 4 3 3 2 3 2 3 2 2 2 2 1 2 2 2 2 2 3 2 3 2 2 2 3 2");
}

TEST(Mh, HugeWeightRatiosLeaveEveryRealItsSlots) {
  Pool pool = maglev();
  pool.add_at(Be32::from_host(0x0a010003), Be16::from_host(443), "2", 1);
  pool.add_at(Be32::from_host(0x0a010002), Be16::from_host(443), "1", 1000);
  pool.add_at(Be32::from_host(0x0a010001), Be16::from_host(443), "0", 65535);
  EXPECT_THAT(slots_of(pool), testing::ElementsAre(testing::Pair("0", 3969), testing::Pair("1", 62),
                                                   testing::Pair("2", 62)));
}

TEST(Mh, EverySlotIsOwnedAndSharesAreWithinTwoPercent) {
  Pool pool = maglev_of(10);
  const auto counts = slots_of(pool);
  EXPECT_EQ(counts.size(), 10u);
  for (const auto& [name, slots] : counts) EXPECT_NEAR(slots, 409.3, 409.3 * 0.02) << name;
}

TEST(Mh, SharesFollowTheWeights) {
  Pool pool = maglev();
  pool.add("c", 10).add("b", 20).add("a", 30);
  const auto counts = slots_of(pool);
  EXPECT_NEAR(counts.at("a"), 4093 / 2.0, 4093 * 0.01);
  EXPECT_NEAR(counts.at("b"), 4093 / 3.0, 4093 * 0.01);
  EXPECT_NEAR(counts.at("c"), 4093 / 6.0, 4093 * 0.01);
}

TEST(Mh, RemovingOneOfTenMovesFewOthers) {
  Pool pool = maglev_of(10);
  const auto before = owners_of(pool);
  pool.remove("r4");
  const auto after = owners_of(pool);
  int moved = 0;
  for (size_t slot = 0; slot < before.size(); ++slot) {
    if (before[slot] != "r4" && before[slot] != after[slot]) ++moved;
  }
  EXPECT_LT(moved, static_cast<int>(before.size() / 10));
  EXPECT_GT(moved, 0);
}

TEST(Mh, DrainMovesNobodyElse) {
  Pool pool = maglev_of(10);
  std::vector<std::string> before;
  for (uint32_t client = 0; client < 5000; ++client) before.push_back(pool.pick(client));
  pool.weigh("r4", 0);
  std::map<std::string, int> gained;
  for (uint32_t client = 0; client < 5000; ++client) {
    const std::string now = pool.pick(client);
    EXPECT_NE(now, "r4");
    if (before[client] == "r4") {
      ++gained[now];
    } else {
      EXPECT_EQ(now, before[client]);
    }
  }
  EXPECT_EQ(gained.size(), 9u) << "the drained real's clients spread over all others";
}

TEST(Mh, SameClientSameRealWhateverItsPort) {
  Pool pool = maglev_of(10);
  const std::string first = pool.pick(0xc0a80101, 1024);
  for (uint16_t port = 1025; port < 1100; ++port) EXPECT_EQ(pool.pick(0xc0a80101, port), first);
}

TEST(Mh, AllDrainedGivesNothing) {
  Pool pool = maglev_of(3);
  for (const char* name : {"r0", "r1", "r2"}) pool.weigh(name, 0);
  EXPECT_EQ(pool.pick(), "-");
  EXPECT_EQ(pool.slots().size(), 4093u);
}

TEST(Mh, LastEligibleRealOfManyIsFound) {
  Pool pool = maglev_of(50);
  for (int i = 1; i < 50; ++i) pool.weigh("r" + std::to_string(i), 0);
  for (uint32_t client = 0; client < 100; ++client) EXPECT_EQ(pool.pick(client), "r0");
}

TEST(Mh, NoRealsGiveNothing) {
  Pool pool = maglev();
  EXPECT_EQ(pool.pick(), "-");
  pool.add("a").remove("a");
  EXPECT_TRUE(pool.slots().empty());
  EXPECT_EQ(pool.pick(), "-");
}

TEST(Mh, RealThatNeverHadAWeightOwnsNoSlot) {
  Pool pool = maglev();
  pool.add("b", 0);
  EXPECT_TRUE(pool.slots().empty());
  EXPECT_EQ(pool.pick(), "-");
  pool.add("a", 1);
  EXPECT_EQ(slots_of(pool).count("b"), 0u);
  EXPECT_EQ(pool.pick(), "a");
}

TEST(Mh, MoreRealsThanLinuxTakesGetALargerTable) {
  Pool pool = maglev_of(5000);
  EXPECT_EQ(pool.slots().size(), 8191u);
  EXPECT_EQ(slots_of(pool).size(), 5000u);
}

TEST(Mh, IsStateless) { EXPECT_TRUE(maglev().scheduler().is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
