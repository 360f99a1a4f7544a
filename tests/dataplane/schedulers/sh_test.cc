#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

// The reals and clients of the recordings from Linux 6.1's ip_vs_sh below.
constexpr uint32_t kClients = 0x0a090100;
constexpr uint32_t kClientsOfADrainedReal = 0x0a090140;

Pool by_source(uint8_t flags) {
  Pool pool(SchedulerKind::kSh);
  pool.add("4", 1).add("3", 3).add("2", 10).add("1", 1).set_flags(flags);
  return pool;
}

TEST(Sh, RealsTakeTurnsOverTheSlotsAsManyAsTheirWeights) {
  Pool pool(SchedulerKind::kSh);
  pool.add("c", 1).add("b", 3).add("a", 2);
  EXPECT_EQ(pool.slots().size(), 256u);
  std::string beginning;
  for (uint32_t slot = 0; slot < 14; ++slot) beginning += pool.owner_of_slot(slot);
  EXPECT_EQ(beginning, "aabbbcaabbbcaa");
}

TEST(Sh, DrainedRealKeepsOneSlot) {
  Pool pool(SchedulerKind::kSh);
  pool.add("b", 2).add("a", 0);
  std::string beginning;
  for (uint32_t slot = 0; slot < 6; ++slot) beginning += pool.owner_of_slot(slot);
  EXPECT_EQ(beginning, "abbabb");
}

TEST(Sh, PicksAreLinuxs) {
  Pool pool = by_source(0);
  EXPECT_EQ(pool.picks_of_clients(kClients, 32),
            "3 2 2 2 3 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 1 2 1");
}

TEST(Sh, DrainedRealsClientsAreTurnedAwayAsInLinux) {
  Pool pool = by_source(0);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(kClientsOfADrainedReal, 32),
            "4 3 3 1 3 1 3 4 - 4 1 3 1 3 1 - 3 - 3 4 3 3 3 3 4 3 4 3 4 1 3 1");
}

TEST(Sh, DrainedRealsClientsFallBackAsInLinux) {
  Pool pool = by_source(kFallback);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(kClientsOfADrainedReal, 32),
            "4 3 3 1 3 1 3 4 3 4 1 3 1 3 1 3 3 3 3 4 3 3 3 3 4 3 4 3 4 1 3 1");
}

TEST(Sh, PortsCountAsInLinux) {
  Pool pool = by_source(kHashPort);
  EXPECT_EQ(pool.picks_of_clients(kClients, 32, 2212),
            "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 1 2 2 2 1 2 1 2 1 2 1 2 1 2");
  EXPECT_EQ(pool.picks_of_ports(0x0a090207, 30000, 16), "2 2 2 2 2 2 2 2 2 2 2 2 2 2 1 2");
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(kClientsOfADrainedReal, 32, 2212),
            "4 3 4 - 3 1 3 1 3 4 - 3 - 3 3 3 3 3 3 4 3 4 3 3 1 3 1 - 4 - 4 -");
}

TEST(Sh, PortsAndFallbackGoTogetherAsInLinux) {
  Pool pool = by_source(kHashPort | kFallback);
  pool.weigh("2", 0);
  EXPECT_EQ(pool.picks_of_clients(kClientsOfADrainedReal, 32, 2213),
            "3 4 3 3 1 3 1 3 4 3 3 3 3 3 3 3 3 3 4 3 4 3 3 1 3 1 3 4 3 4 3 3");
}

TEST(Sh, PicksOfIpv6ClientsAreLinuxs) {
  Pool pool = by_source(0);
  EXPECT_EQ(picks_of_recorded_ipv6_clients(pool), "2 2 2 2 3 2 2 2 2 3 2 2 2 2 2 2 2 2 2 1 2 2 2 2 4 2 2 2 3 2 2 3");
}

TEST(Sh, AllDrainedGivesNothing) {
  Pool pool = by_source(kFallback);
  for (const char* name : {"1", "2", "3", "4"}) pool.weigh(name, 0);
  EXPECT_EQ(pool.picks_of_clients(kClients, 4), "- - - -");
}

TEST(Sh, NoRealsGiveNothing) { EXPECT_EQ(Pool(SchedulerKind::kSh).pick(), "-"); }

TEST(Sh, IsStateless) { EXPECT_TRUE(scheduler_for(SchedulerKind::kSh).is_stateless()); }

}  // namespace
}  // namespace shunt::dataplane
