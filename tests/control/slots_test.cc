#include "control/slots.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace shunt::control {
namespace {

ServiceKey service_key(uint32_t n) {
  return {Protocol::kTcp, IpAddress::from_v4(Be32::from_host(0xc0000200u + n)), {80, 80}, ""};
}
RealKey real_key(uint32_t service, uint32_t n, Method method = Method::kNat) {
  return {service_key(service), IpAddress::from_v4(Be32::from_host(0x0a000000u + n)), 80, method};
}

class SlotsTest : public testing::Test {
 protected:
  RealId take(uint32_t service, uint32_t n, Method method = Method::kNat) {
    return slots_.take_real(real_key(service, n, method), slots_.take_service(service_key(service), "s"),
                            "r" + std::to_string(n), traffic_of_);
  }
  auto free_idle(uint64_t version) {
    return slots_.free_idle(
        version, [this](RealId id) { return connections_[id.index]; }, traffic_of_);
  }

  std::map<uint32_t, uint64_t> connections_;
  std::map<uint32_t, Traffic> counters_;
  std::function<Traffic(RealId)> traffic_of_ = [this](RealId id) { return counters_[id.index]; };
  Slots slots_{8, 4};
};

TEST_F(SlotsTest, TheSameRealKeepsItsSlotAndOthersGetTheirOwn) {
  const RealId first = take(1, 1);
  const RealId second = take(1, 2);
  const RealId of_other_service = take(2, 1);
  const RealId of_other_method = take(1, 1, Method::kDirect);
  EXPECT_EQ(take(1, 1), first);
  EXPECT_EQ((std::set<RealId>{first, second, of_other_service, of_other_method}).size(), 4u);
  EXPECT_EQ(slots_.free_reals(), 4u);
  EXPECT_EQ(slots_.free_services(), 2u);
  EXPECT_LT(slots_.real(first).added, slots_.real(second).added);
}

TEST_F(SlotsTest, ARemovedRealKeepsItsSlotUntilItsLastConnectionIsGone) {
  const RealId real = take(1, 1);
  connections_[real.index] = 1;
  slots_.remove_real(real, 5);
  EXPECT_TRUE(free_idle(9).empty());
  EXPECT_TRUE(slots_.real(real).used);
  EXPECT_NE(take(1, 2), real);
  connections_[real.index] = 0;
  const auto freed = free_idle(9);
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_EQ(freed[0].first, real);
  EXPECT_EQ(freed[0].second.name, "r1");
  EXPECT_FALSE(slots_.real(real).used);
  EXPECT_EQ(take(1, 3), real);
}

TEST_F(SlotsTest, ASlotIsNotFreedBeforeItsRemovalIsPublished) {
  const RealId real = take(1, 1);
  slots_.remove_real(real, 5);
  EXPECT_TRUE(free_idle(4).empty());
  EXPECT_EQ(free_idle(5).size(), 1u);
}

TEST_F(SlotsTest, ARealWantedAgainKeepsItsSlotAndIsTheNewest) {
  const RealId first = take(1, 1);
  const RealId second = take(1, 2);
  slots_.remove_real(first, 1);
  EXPECT_EQ(take(1, 1), first);
  EXPECT_GT(slots_.real(first).added, slots_.real(second).added);
  EXPECT_TRUE(free_idle(9).empty());
  EXPECT_TRUE(slots_.real(first).used);
}

TEST_F(SlotsTest, AReusedSlotStartsAtZeroAndTheServiceKeepsTheTraffic) {
  const RealId real = take(1, 1);
  take(1, 2);
  counters_[real.index] = {10, 100, 90, 1000, 900};
  slots_.remove_real(real, 1);
  ASSERT_EQ(free_idle(1).size(), 1u);
  const RealId again = take(1, 3);
  ASSERT_EQ(again, real);
  EXPECT_EQ(counters_[again.index] - slots_.real(again).base, Traffic{});
  const ServiceId service = slots_.real(again).service;
  EXPECT_EQ(slots_.service(service).retired, (Traffic{10, 100, 90, 1000, 900}));
  // A second life adds only its own.
  counters_[real.index] = {13, 105, 90, 1000, 900};
  slots_.remove_real(real, 2);
  ASSERT_EQ(free_idle(2).size(), 1u);
  EXPECT_EQ(slots_.service(service).retired, (Traffic{13, 105, 90, 1000, 900}));
}

TEST_F(SlotsTest, ARemovedServiceGoesWithItsLastReal) {
  const RealId real = take(1, 1);
  const ServiceId service = slots_.real(real).service;
  connections_[real.index] = 2;
  slots_.remove_real(real, 1);
  slots_.remove_service(service);
  EXPECT_TRUE(slots_.has(service_key(1)));
  EXPECT_NE(slots_.take_service(service_key(2), "other"), service);
  connections_[real.index] = 0;
  EXPECT_EQ(free_idle(1).size(), 1u);
  EXPECT_FALSE(slots_.has(service_key(1)));
  EXPECT_EQ(slots_.take_service(service_key(3), "third"), service);
}

TEST_F(SlotsTest, AServiceWithoutRealsGoesAtOnceAndOneWantedAgainStays) {
  const ServiceId empty = slots_.take_service(service_key(1), "empty");
  slots_.remove_service(empty);
  EXPECT_FALSE(slots_.has(service_key(1)));

  const RealId real = take(2, 1);
  const ServiceId service = slots_.real(real).service;
  slots_.remove_real(real, 1);
  slots_.remove_service(service);
  EXPECT_EQ(slots_.take_service(service_key(2), "again"), service);
  EXPECT_EQ(free_idle(1).size(), 1u);
  EXPECT_TRUE(slots_.has(service_key(2)));
}

}  // namespace
}  // namespace shunt::control
