#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <set>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

constexpr uint32_t kClients = 20000;

Pool conhash(uint16_t bound = 0) {
  Pool pool(SchedulerKind::kConhash);
  pool.bound(bound).set_flags(0);
  return pool;
}

// Its address is its name's number, so that pools agree on reals whatever their ids are.
void add(Pool& pool, uint32_t number, uint32_t weight = 1) {
  pool.add_at(Be32::from_host(0x0a010000 + number), Be16::from_host(80), "r" + std::to_string(number), weight);
}

Pool conhash_of(uint32_t reals, uint16_t bound = 0, uint32_t without = UINT32_MAX) {
  Pool pool = conhash(bound);
  for (uint32_t i = 0; i < reals; ++i) {
    if (i != without) add(pool, i);
  }
  return pool;
}

std::vector<std::string> picks_of_all(Pool& pool) {
  std::vector<std::string> picks;
  for (uint32_t i = 0; i < kClients; ++i) picks.push_back(pool.pick(0xc6120000 + i));
  return picks;
}

std::vector<std::string> opened_by_all(Pool& pool) {
  std::vector<std::string> reals;
  for (uint32_t i = 0; i < kClients; ++i) reals.push_back(pool.open(0xc6120000 + i));
  return reals;
}

std::map<std::string, int> tally(const std::vector<std::string>& picks) {
  std::map<std::string, int> times;
  for (const std::string& pick : picks) ++times[pick];
  return times;
}

// Of another version, machine or random key they would be the same: others may have answered these clients.
TEST(Conhash, PicksAreTheKnownOnes) {
  Pool pool = conhash();
  add(pool, 1, 1);
  add(pool, 2, 2);
  add(pool, 3, 3);
  EXPECT_EQ(pool.picks_of_clients(0xc0000201, 24), 
            "r3 r2 r3 r3 r3 r3 r3 r1 r3 r3 r2 r1 r2 r1 r2 r2 r3 r2 r3 r3 r3 r2 r2 r1");
  pool.set_flags(kHashPort);
  EXPECT_EQ(pool.picks_of_ports(0xc0000201, 1024, 16), 
            "r2 r3 r1 r1 r3 r3 r3 r1 r3 r2 r3 r3 r1 r1 r1 r3");
}

TEST(Conhash, PicksOfIpv6ClientsAreTheKnownOnes) {
  Pool pool = conhash();
  for (uint8_t i = 1; i <= 3; ++i) {
    const std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, i};
    pool.add_at(IpAddress::from_v6(bytes.data()), Be16::from_host(80), std::to_string(i), i);
  }
  EXPECT_EQ(picks_of_recorded_ipv6_clients(pool), 
            "1 3 3 1 2 3 1 2 3 3 2 1 2 1 3 2 3 2 2 1 2 3 3 3 2 3 3 2 2 3 2 1");
}

TEST(Conhash, NeitherOrderNorIdsNorFormerRealsCount) {
  Pool one = conhash_of(10);
  Pool other = conhash();
  for (uint32_t i = 20; i > 0; --i) add(other, i - 1);
  for (uint32_t i = 10; i < 20; ++i) other.remove("r" + std::to_string(i));
  EXPECT_EQ(picks_of_all(one), picks_of_all(other));
}

TEST(Conhash, OneOfAHundredMovesItsOwnClientsAlone) {
  Pool all = conhash_of(100);
  Pool without = conhash_of(100, 0, 41);
  const auto before = picks_of_all(all);
  const auto after = picks_of_all(without);
  int moved = 0;
  std::set<std::string> heirs;
  for (uint32_t i = 0; i < kClients; ++i) {
    if (before[i] == after[i]) continue;
    ++moved;
    EXPECT_EQ(before[i], "r41");
    heirs.insert(after[i]);
  }
  EXPECT_EQ(moved, tally(before)["r41"]);
  EXPECT_LT(moved, kClients / 50);
  EXPECT_GT(heirs.size(), 40u) << "not one heir has them all";
}

TEST(Conhash, OneOfAHundredMovesFewConnectionsUnderABoundToo) {
  Pool all = conhash_of(100, 125);
  Pool without = conhash_of(100, 125, 41);
  const auto before = opened_by_all(all);
  const auto after = opened_by_all(without);
  uint32_t moved = 0;
  for (uint32_t i = 0; i < kClients; ++i) moved += before[i] != after[i];
  EXPECT_LT(moved, kClients / 100 + kClients / 4);
  EXPECT_LT(moved, kClients / 20) << "what is measured is far less";
}

TEST(Conhash, ADrainIsADeparture) {
  Pool pool = conhash_of(20);
  const auto before = picks_of_all(pool);
  pool.weigh("r7", 0);
  const auto drained = picks_of_all(pool);
  EXPECT_EQ(tally(drained).count("r7"), 0u);
  for (uint32_t i = 0; i < kClients; ++i) EXPECT_TRUE(before[i] == drained[i] || before[i] == "r7");
  pool.weigh("r7", 1);
  EXPECT_EQ(picks_of_all(pool), before);
}

TEST(Conhash, MoreWeightTakesAndGivesNothing) {
  Pool pool = conhash_of(20);
  const auto before = picks_of_all(pool);
  pool.weigh("r7", 3);
  const auto after = picks_of_all(pool);
  for (uint32_t i = 0; i < kClients; ++i) EXPECT_TRUE(before[i] == after[i] || after[i] == "r7");
  EXPECT_GT(tally(after)["r7"], tally(before)["r7"] * 2);
}

TEST(Conhash, SharesFollowTheWeights) {
  Pool pool = conhash();
  add(pool, 1, 10);
  add(pool, 2, 20);
  add(pool, 3, 70);
  auto times = tally(picks_of_all(pool));
  EXPECT_NEAR(times["r1"], kClients * 0.1, kClients * 0.01);
  EXPECT_NEAR(times["r2"], kClients * 0.2, kClients * 0.01);
  EXPECT_NEAR(times["r3"], kClients * 0.7, kClients * 0.01);
}

TEST(Conhash, LargestWeightsAreSharesToo) {
  Pool pool = conhash();
  add(pool, 1, 65535);
  add(pool, 2, 65535);
  add(pool, 3, 32767);
  auto times = tally(picks_of_all(pool));
  EXPECT_NEAR(times["r1"], kClients * 0.4, kClients * 0.01);
  EXPECT_NEAR(times["r3"], kClients * 0.2, kClients * 0.01);
}

TEST(Conhash, NoRealHasMoreThanItsBound) {
  Pool pool = conhash(125);
  const uint32_t weights[] = {1, 1, 2, 4, 8, 0};
  double sum = 0;
  for (uint32_t i = 0; i < 6; ++i) {
    add(pool, i, weights[i]);
    sum += weights[i];
  }
  std::map<std::string, int> has;
  for (int opened = 1; opened <= 4000; ++opened) {
    const std::string real = pool.open(0xc6120000 + static_cast<uint32_t>(opened));
    ASSERT_NE(real, "-");
    const double share = opened * weights[std::stoul(real.substr(1))] / sum;
    ASSERT_LE(++has[real], std::ceil(share * 1.25)) << real << " of " << opened;
  }
}

// A client that comes again and again alone would fill its real.
TEST(Conhash, OneClientsConnectionsSpreadUnderABoundAndOnlyThen) {
  Pool unbounded = conhash_of(10, 0);
  std::map<std::string, int> times;
  for (int i = 0; i < 100; ++i) ++times[unbounded.open()];
  EXPECT_EQ(times.size(), 1u);
  Pool bounded = conhash_of(10, 150);
  times.clear();
  for (int i = 0; i < 100; ++i) ++times[bounded.open()];
  for (const auto& [real, count] : times) EXPECT_LE(count, 15) << real;
}

TEST(Conhash, AClientGoesBackWhenThereIsRoom) {
  Pool pool = conhash_of(10, 125);
  const std::string own = pool.pick();
  pool.load(own, 100, 0);
  EXPECT_NE(pool.pick(), own);
  pool.load(own, 0, 0);
  EXPECT_EQ(pool.pick(), own);
}

TEST(Conhash, OtherWorkersConnectionsCount) {
  Pool pool = conhash_of(10, 125);
  const std::string own = pool.pick();
  pool.load_elsewhere(own, 100, 0);
  EXPECT_NE(pool.pick(), own);
  for (uint32_t i = 0; i < 10; ++i) pool.load_elsewhere("r" + std::to_string(i), 100, 0);
  EXPECT_EQ(pool.pick(), own);
}

TEST(Conhash, InactiveConnectionsCountAsWlcCountsThem) {
  Pool pool = conhash_of(2, 101);
  const std::string own = pool.pick();
  pool.load(own, 0, 200);
  EXPECT_EQ(pool.pick(), own) << "200 of them are less than one active";
  pool.load(own, 0, 2000);
  EXPECT_NE(pool.pick(), own);
}

TEST(Conhash, AnOverloadedRealsClientsGoOn) {
  Pool pool = conhash_of(3);
  const std::string own = pool.pick();
  pool.limit(own, {2, 1}).load(own, 2, 0);
  const std::string other = pool.pick();
  EXPECT_NE(other, own);
  for (uint32_t i = 0; i < 3; ++i) {
    const std::string name = "r" + std::to_string(i);
    if (name != own) pool.limit(name, {1, 0}).load(name, 1, 0);
  }
  EXPECT_EQ(pool.pick(), "-");
}

TEST(Conhash, NoRealsAndNoWeightsGiveNothing) {
  Pool pool = conhash(125);
  EXPECT_EQ(pool.pick(), "-");
  add(pool, 1, 0);
  EXPECT_EQ(pool.pick(), "-");
}

TEST(Conhash, ThousandsOfRealsAllHaveSlots) {
  Pool pool = conhash_of(3000);
  const std::vector<uint32_t>& slots = pool.slots();
  const std::set<uint32_t> owners(slots.begin(), slots.begin() + static_cast<ptrdiff_t>(slots.size() / 2));
  EXPECT_EQ(owners.size(), 3000u);
}

TEST(Conhash, LoadDecidesToo) { EXPECT_FALSE(scheduler_for(SchedulerKind::kConhash).is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
