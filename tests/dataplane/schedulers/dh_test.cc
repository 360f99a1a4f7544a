#include <gmock/gmock.h>

#include "tests/dataplane/schedulers/pool.h"

namespace shunt::dataplane {
namespace {

Pool by_destination() { return Pool(SchedulerKind::kDh); }

IpAddress address(const char* text) { return *IpAddress::parse(text); }

TEST(Dh, ClientsOfOneAddressShareItsReal) {
  Pool pool = by_destination();
  pool.add("c").add("b").add("a");
  const std::string real = pool.pick();
  for (uint32_t client = 1; client < 100; ++client) EXPECT_EQ(pool.pick(client), real);
}

TEST(Dh, RealsTakeTurnsOverTheSlotsWhateverTheirWeights) {
  Pool pool = by_destination();
  pool.add("c", 9).add("b", 1).add("a", 2);
  EXPECT_EQ(pool.slots().size(), 256u);
  std::string beginning;
  for (uint32_t slot = 0; slot < 7; ++slot) beginning += pool.owner_of_slot(slot);
  EXPECT_EQ(beginning, "abcabca");
}

TEST(Dh, DrainedRealTurnsItsClientsAway) {
  Pool pool = by_destination();
  pool.add("b").add("a");
  const std::string real = pool.pick();
  pool.weigh(real, 0);
  EXPECT_EQ(pool.pick(), "-");
}

TEST(Dh, NoRealsGiveNothing) { EXPECT_EQ(by_destination().pick(), "-"); }

// Recorded from Linux 6.1's ip_vs_dh: 203.0.113.100 to .115.
TEST(Dh, PicksAreLinuxs) {
  Pool pool = by_destination();
  pool.add("3", 1).add("2", 5).add("1", 1);
  std::string picked;
  for (uint32_t last = 100; last < 116; ++last) {
    pool.set_destination(IpAddress::from_v4(Be32::from_host(0xcb007100 + last)));
    picked += pool.pick() + " ";
  }
  EXPECT_EQ(picked, "3 2 1 1 3 2 3 2 2 1 3 1 3 1 2 1 ");
}

// Recorded likewise.
TEST(Dh, PickOfAnIpv6AddressIsLinuxs) {
  Pool pool = by_destination();
  pool.add("4").add("3", 3).add("2", 10).add("1").set_destination(address("2001:db8:cb::10"));
  EXPECT_EQ(pool.pick_from(address("2001:db8:9::1")), "3");
}

}  // namespace
}  // namespace shunt::dataplane
