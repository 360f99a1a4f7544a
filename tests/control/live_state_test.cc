#include "control/live_state.h"

#include <gmock/gmock.h>

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Real real(const std::string& address, uint32_t weight = 1) {
  Real result;
  result.address = *IpAddress::parse(address);
  result.port = 80;
  result.name = address_and_port(result.address, 80);
  result.weight = weight;
  return result;
}

class LiveStateTest : public testing::Test {
 protected:
  static DesiredState with_reals(std::vector<Real> reals, const std::string& name = "web") {
    DesiredState state;
    Service service;
    service.name = name;
    service.address = *IpAddress::parse("192.0.2.1");
    service.port = 80;
    service.reals = std::move(reals);
    state.services = {service};
    return state;
  }
  void replace(DesiredState state) {
    ASSERT_TRUE(live_.fits(state));
    live_.replace(std::move(state));
    build();
  }
  void build() {
    live_.flush();
    snapshot_ = builder_.build();
  }
  RealPlace place(const std::string& address) const {
    const auto found = live_.find_real("web", address + ":80");
    EXPECT_TRUE(found);
    return *found;
  }
  RealId id(const std::string& address) const { return live_.live(place(address)).id; }
  const dataplane::ServiceEntry& entry(const std::string& vip = "192.0.2.1") const {
    const auto* found = snapshot_->find_service(6, *IpAddress::parse(vip), Be16::from_host(80));
    EXPECT_NE(found, nullptr);
    return *found;
  }
  static Override drained() {
    Override result;
    result.drain = DrainOverride{};
    return result;
  }
  // Candidates as "ADDRESS weight table_weight".
  std::vector<std::string> candidates() const {
    std::vector<std::string> result;
    for (const auto& each : entry().candidates) {
      result.push_back(snapshot_->reals[each.id.index].address.to_string() + " " +
                       std::to_string(each.weight) + " " + std::to_string(each.table_weight));
    }
    return result;
  }

  Slots slots_{6, 2};
  SnapshotBuilder builder_;
  LiveState live_{slots_, builder_, [](RealId) { return Traffic{}; }, {{"outside", 0}, {"inside", 1}}};
  std::unique_ptr<const dataplane::Snapshot> snapshot_;
};

TEST_F(LiveStateTest, CandidatesAreNewestFirst) {
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2")}));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 1 1", "10.0.0.1 1 1"));
  replace(with_reals({real("10.0.0.3"), real("10.0.0.1"), real("10.0.0.2")}));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.3 1 1", "10.0.0.2 1 1", "10.0.0.1 1 1"));
}

TEST_F(LiveStateTest, ARemovedRealKeepsItsSlotForItsConnections) {
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2")}));
  const RealId gone = id("10.0.0.1");
  replace(with_reals({real("10.0.0.2")}));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 1 1"));
  EXPECT_TRUE(snapshot_->reals[gone.index].is_used());
  EXPECT_EQ(snapshot_->reals[gone.index].address, *IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(slots_.real(gone).removed_in, snapshot_->version);
  // Back again: the same slot, and the newest.
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2")}));
  EXPECT_EQ(id("10.0.0.1"), gone);
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.1 1 1", "10.0.0.2 1 1"));
}

TEST_F(LiveStateTest, AnotherMethodIsAnotherSlot) {
  replace(with_reals({real("10.0.0.1")}));
  const RealId nat = id("10.0.0.1");
  DesiredState direct = with_reals({real("10.0.0.1")});
  direct.services[0].method = Method::kDirect;
  replace(direct);
  const RealId now = id("10.0.0.1");
  EXPECT_NE(now, nat);
  EXPECT_EQ(snapshot_->reals[nat.index].method, Method::kNat);
  EXPECT_EQ(snapshot_->reals[now.index].method, Method::kDirect);
  EXPECT_EQ(entry().candidates[0].id, now);
}

TEST_F(LiveStateTest, ARenamedServiceKeepsEverything) {
  replace(with_reals({real("10.0.0.1")}));
  const RealId before = id("10.0.0.1");
  const auto service = entry().id;
  replace(with_reals({real("10.0.0.1")}, "www"));
  EXPECT_FALSE(live_.find_service("web"));
  ASSERT_TRUE(live_.find_service("www"));
  EXPECT_EQ(entry().id, service);
  EXPECT_EQ(entry().candidates[0].id, before);
}

TEST_F(LiveStateTest, DownRealsAreNoCandidatesAndComeBackToTheirPlace) {
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2"), real("10.0.0.3")}));
  EXPECT_EQ(live_.set_health(place("10.0.0.2"), Health::kDown, "connect: connection refused"), Health::kUnknown);
  build();
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.3 1 1", "10.0.0.1 1 1"));
  EXPECT_EQ(live_.effective_weight(place("10.0.0.2")), 0u);
  EXPECT_EQ(live_.live(place("10.0.0.2")).health.last_check, "connect: connection refused");
  EXPECT_EQ(live_.set_health(place("10.0.0.2"), Health::kUp, "connect: ok"), Health::kDown);
  build();
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.3 1 1", "10.0.0.2 1 1", "10.0.0.1 1 1"));
}

TEST_F(LiveStateTest, HealthOutlivesOtherChangesButNotItsCheck) {
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2")}));
  live_.set_health(place("10.0.0.1"), Health::kDown, "");
  DesiredState next = with_reals({real("10.0.0.3"), real("10.0.0.1", 7), real("10.0.0.2")});
  replace(next);
  EXPECT_EQ(live_.live(place("10.0.0.1")).health.health, Health::kDown);
  EXPECT_EQ(live_.live(place("10.0.0.3")).health.health, Health::kUnknown);
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.3 1 1", "10.0.0.2 1 1"));
  next.services[0].health_check.enabled = false;
  replace(next);
  EXPECT_EQ(live_.live(place("10.0.0.1")).health.health, Health::kUnchecked);
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.3 1 1", "10.0.0.2 1 1", "10.0.0.1 7 7"));
}

TEST_F(LiveStateTest, ADrainedRealKeepsItsShareOfTheTable) {
  replace(with_reals({real("10.0.0.1", 5), real("10.0.0.2", 3)}));
  live_.set_override(place("10.0.0.1"), drained());
  build();
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 3 3", "10.0.0.1 0 5"));
  // Also when the desired state only says 0.
  replace(with_reals({real("10.0.0.1", 0), real("10.0.0.2", 3)}));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 3 3", "10.0.0.1 0 5"));
}

TEST_F(LiveStateTest, ARestoredDrainKnowsItsWeight) {
  replace(with_reals({real("10.0.0.1", 9)}));
  EXPECT_THAT(live_.restore({{"web", "r", *IpAddress::parse("10.0.0.1"), 80, drained()}}), IsEmpty());
  build();
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.1 0 9"));
  EXPECT_THAT(live_.restore({{"web", "r", *IpAddress::parse("10.0.0.7"), 80, drained()}}), SizeIs(1));
}

TEST_F(LiveStateTest, OverridesStayWithTheirRealsAndGoWithThem) {
  Override weighed;
  weighed.weight = WeightOverride{7, {}, {}, "me"};
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2")}));
  live_.set_override(place("10.0.0.1"), weighed);
  live_.set_override(place("10.0.0.2"), drained());
  const auto after = [this](const DesiredState& next) {
    const auto lost = live_.replace(next);
    build();
    return lost;
  };
  // Other weights, another place in the list, another name: the operator's word holds.
  EXPECT_THAT(after(with_reals({real("10.0.0.2", 5), real("10.0.0.1", 3)}, "www")), IsEmpty());
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 0 5", "10.0.0.1 7 7"));
  // Another VIP and method make another service of the same name.
  DesiredState moved = with_reals({real("10.0.0.1"), real("10.0.0.2")}, "www");
  moved.services[0].address = *IpAddress::parse("192.0.2.99");
  EXPECT_THAT(after(moved), IsEmpty());
  moved.services[0].method = Method::kDirect;
  EXPECT_THAT(after(moved), IsEmpty());
  EXPECT_EQ(live_.overrides().size(), 2u);
  const auto lost = after(with_reals({real("10.0.0.1", 4)}));
  ASSERT_EQ(lost.size(), 2u) << "neither VIP nor name are those of before";
  EXPECT_EQ(lost[1].address, *IpAddress::parse("10.0.0.2"));
  EXPECT_THAT(live_.overrides(), IsEmpty());
  EXPECT_EQ(live_.wanted_weight(place("10.0.0.1")), 4u);
}

TEST_F(LiveStateTest, UnchangedServicesAreNotTouched) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services.push_back(state.services[0]);
  state.services[1].name = "api";
  state.services[1].address = *IpAddress::parse("192.0.2.2");
  replace(state);
  const auto before = std::move(snapshot_);
  state.services[1].reals[0].weight = 2;
  replace(state);
  const auto* untouched = before->find_service(6, *IpAddress::parse("192.0.2.1"), Be16::from_host(80));
  EXPECT_EQ(entry().candidates.data(), untouched->candidates.data());
  EXPECT_EQ(entry("192.0.2.2").candidates[0].weight, 2u);
}

TEST_F(LiveStateTest, TimeoutsComeFromTheInnermostThatSaysOne) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.timeouts.values[1] = Milliseconds(111);
  state.timeouts.values[11] = Milliseconds(222);
  state.services[0].timeouts.values[1] = Milliseconds(333);
  replace(state);
  EXPECT_EQ(snapshot_->timeouts[snapshot_->reals[0].timeouts][1], 333u);
  EXPECT_EQ(snapshot_->timeouts[snapshot_->reals[0].timeouts][11], 222u);
  EXPECT_EQ(snapshot_->timeouts[snapshot_->reals[0].timeouts][0], dataplane::kDefaultTimeoutsMs[0]);
  state.timeouts.values[11] = Milliseconds(444);
  replace(state);
  EXPECT_EQ(snapshot_->timeouts[snapshot_->reals[0].timeouts][11], 444u);
}

TEST_F(LiveStateTest, SloppyTcpReachesTheSnapshotAndLeavesIt) {
  DesiredState state = with_reals({real("10.0.0.1")});
  replace(state);
  EXPECT_FALSE(entry().sloppy_tcp);
  state.services[0].sloppy_tcp = true;
  replace(state);
  EXPECT_TRUE(entry().sloppy_tcp);
  state.services[0].sloppy_tcp = false;
  replace(state);
  EXPECT_FALSE(entry().sloppy_tcp);
}

TEST_F(LiveStateTest, SegmentSizeReachesTheSnapshotAndLeavesIt) {
  DesiredState state = with_reals({real("10.0.0.1")});
  const auto limit = [&] { return snapshot_->max_segment_sizes[snapshot_->reals[0].timeouts]; };
  replace(state);
  EXPECT_EQ(limit(), 0);
  for (const uint16_t size : {1400, 1300, 0}) {
    state.services[0].max_segment_size = size;
    replace(state);
    EXPECT_EQ(limit(), size);
  }
}

TEST_F(LiveStateTest, ClientAddressReachesTheSnapshotAndTakesRoomOfItsReals) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services[0].method = Method::kFullnat;
  replace(state);
  const uint16_t mtu = snapshot_->reals[0].way_out.mtu;
  for (const ClientAddress how : {ClientAddress{ClientAddressKind::kToa, 252}, ClientAddress{}}) {
    state.services[0].client_address = how;
    replace(state);
    EXPECT_EQ(entry().client_address, how);
    const bool grows = how.kind == ClientAddressKind::kToa;
    EXPECT_EQ(snapshot_->reals[snapshot_->services[0].candidates[0].id.index].way_out.mtu, grows && mtu > 0 ? mtu - 8 : mtu);
  }
}

TEST_F(LiveStateTest, ApplicationReachesTheSnapshotItsVipsAndItsReals) {
  DesiredState state = with_reals({real("10.0.0.1")});
  const IpAddress vip = state.services[0].address;
  const auto slot = [&] { return snapshot_->reals[snapshot_->services[0].candidates[0].id.index]; };
  const auto is_marked = [&](dataplane::AddressSlot::Kind kind) { return (snapshot_->kinds_of(vip) & bit(kind)) != 0; };
  replace(state);
  EXPECT_FALSE(slot().has_ftp());
  EXPECT_FALSE(is_marked(dataplane::AddressSlot::Kind::kFtpNat));
  state.services[0].application = Application::kFtp;
  replace(state);
  EXPECT_EQ(entry().application, Application::kFtp);
  EXPECT_TRUE(slot().has_ftp());
  EXPECT_TRUE(is_marked(dataplane::AddressSlot::Kind::kFtpNat));
  EXPECT_FALSE(is_marked(dataplane::AddressSlot::Kind::kFtpFullnat));
  // One that comes later is of the service, too.
  state.services[0].reals.push_back(real("10.0.0.2"));
  replace(state);
  for (const auto& candidate : snapshot_->services[0].candidates) EXPECT_TRUE(snapshot_->reals[candidate.id.index].has_ftp());
  // Connections that are read are so to their end.
  state.services[0].application = Application::kNone;
  replace(state);
  EXPECT_EQ(entry().application, Application::kNone);
  EXPECT_TRUE(slot().has_ftp());
  EXPECT_FALSE(is_marked(dataplane::AddressSlot::Kind::kFtpNat));
}

TEST_F(LiveStateTest, SloppySctpReachesTheSnapshot) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services[0].sloppy_sctp = true;
  replace(state);
  EXPECT_TRUE(entry().sloppy_sctp);
  EXPECT_FALSE(entry().sloppy_tcp);
}

TEST_F(LiveStateTest, SysctlsReachTheSnapshotAndAreEveryServicesDefault) {
  DesiredState state = with_reals({real("10.0.0.1")});
  replace(state);
  EXPECT_EQ(snapshot_->sysctls, Sysctls{});
  state.sysctls = {.conn_reuse_mode = 3, .sloppy_tcp = true, .sloppy_sctp = true, .am_droprate = 7};
  replace(state);
  EXPECT_EQ(snapshot_->sysctls, state.sysctls);
  EXPECT_TRUE(entry().sloppy_tcp);
  EXPECT_TRUE(entry().sloppy_sctp);
  state.sysctls = {};
  replace(state);
  EXPECT_EQ(snapshot_->sysctls, Sysctls{});
  EXPECT_FALSE(entry().sloppy_tcp);
  EXPECT_FALSE(entry().sloppy_sctp);
}

TEST_F(LiveStateTest, SchedulerAndFlagsReachTheSnapshot) {
  DesiredState state = with_reals({real("10.0.0.1")});
  Service& web = state.services[0];
  web.scheduler = SchedulerKind::kMh;
  replace(state);
  EXPECT_EQ(entry().scheduler, SchedulerKind::kMh);
  EXPECT_EQ(entry().scheduler_flags, dataplane::kFallback);
  web.scheduler_flags = {.port = true, .fallback = true};
  replace(state);
  EXPECT_EQ(entry().scheduler_flags, dataplane::kHashPort | dataplane::kFallback);
  web.scheduler = SchedulerKind::kSh;
  web.scheduler_flags = {.port = true, .fallback = false};
  replace(state);
  EXPECT_EQ(entry().scheduler, SchedulerKind::kSh);
  EXPECT_EQ(entry().scheduler_flags, dataplane::kHashPort);
  web.scheduler_flags = {.port = false, .fallback = false};
  replace(state);
  EXPECT_EQ(entry().scheduler_flags, 0);
  web.scheduler = SchedulerKind::kConhash;
  web.scheduler_flags = {.load_bound = 200};
  replace(state);
  EXPECT_EQ(entry().load_bound, 200);
}

TEST_F(LiveStateTest, PoolsReachTheirServices) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services[0].method = Method::kFullnat;
  state.services[0].local_addresses = "pool";
  state.local_addresses = {{"pool", {*IpAddress::parse("10.0.0.250")}, ""}};
  replace(state);
  EXPECT_THAT(entry().local_addresses.v4, ElementsAre(*IpAddress::parse("10.0.0.250")));
  state.local_addresses[0].addresses = {*IpAddress::parse("10.0.0.251")};
  replace(state);
  EXPECT_THAT(entry().local_addresses.v4, ElementsAre(*IpAddress::parse("10.0.0.251")));
  EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse("10.0.0.251")), bit(dataplane::AddressSlot::Kind::kLocal));
  EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse("10.0.0.250")), 0);
}

TEST_F(LiveStateTest, SorryRealsAreApartAndFollowTheirHealth) {
  Real sorry = real("10.0.0.3", 2);
  sorry.sorry = true;
  replace(with_reals({real("10.0.0.1"), real("10.0.0.2"), sorry}));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.2 1 1", "10.0.0.1 1 1"));
  ASSERT_EQ(entry().sorry.size(), 1u);
  EXPECT_EQ(entry().sorry[0].id, id("10.0.0.3"));
  EXPECT_EQ(entry().sorry[0].weight, 2u);
  live_.set_health(place("10.0.0.3"), Health::kDown, "");
  build();
  EXPECT_TRUE(entry().sorry.empty());
  EXPECT_EQ(entry().candidates.size(), 2u);
}

TEST_F(LiveStateTest, PersistenceAndThresholdsReachTheWorkers) {
  DesiredState state = with_reals({real("10.0.0.1"), real("10.0.0.2")});
  replace(state);
  EXPECT_EQ(entry().persistence, dataplane::Persistence{});
  EXPECT_TRUE(entry().by_id.empty()) << "nobody asks";
  state.services[0].persistence = Persistence{Milliseconds(90000), 24, 64};
  state.services[0].no_real = NoReal::kDrop;
  replace(state);
  EXPECT_EQ(entry().persistence, (dataplane::Persistence{90000, 24}));
  EXPECT_EQ(entry().no_real, NoReal::kDrop);
  ASSERT_EQ(entry().by_id.size(), 2u);
  EXPECT_LT(entry().by_id[0].id, entry().by_id[1].id);
  EXPECT_FALSE(entry().has_thresholds);

  state.services[0].persistence.reset();
  state.services[0].reals[0].upper_threshold = 9;
  state.services[0].reals[0].lower_threshold = 5;
  replace(state);
  EXPECT_TRUE(entry().has_thresholds);
  ASSERT_EQ(entry().by_id.size(), 2u);
  EXPECT_EQ(entry().by_id[0].thresholds, (dataplane::Thresholds{9, 5}));

  state.services[0].address = *IpAddress::parse("2001:db8::80");
  state.services[0].reals = {real("2001:db8:1::1")};
  state.services[0].persistence = Persistence{Milliseconds(1000), 24, 64};
  replace(state);
  EXPECT_EQ(entry("2001:db8::80").persistence, (dataplane::Persistence{1000, 64}));
}

TEST_F(LiveStateTest, ARemovedServiceIsNotFoundAndHoldsItsId) {
  replace(with_reals({real("10.0.0.1")}));
  const auto service = entry().id;
  replace({});
  EXPECT_EQ(snapshot_->find_service(6, *IpAddress::parse("192.0.2.1"), Be16::from_host(80)), nullptr);
  EXPECT_TRUE(slots_.service(service).used);
  replace(with_reals({real("10.0.0.1")}));
  EXPECT_EQ(entry().id, service);
}

TEST_F(LiveStateTest, AServiceMayComeAndGoBetweenTwoSnapshots) {
  replace(with_reals({real("10.0.0.1")}));
  DesiredState both = with_reals({real("10.0.0.1")});
  both.services.push_back(both.services[0]);
  both.services[1].name = "other";
  both.services[1].port = 81;
  live_.replace(both);
  live_.replace(with_reals({real("10.0.0.1")}));
  build();
  EXPECT_THAT(snapshot_->services, SizeIs(1));
  EXPECT_THAT(candidates(), ElementsAre("10.0.0.1 1 1"));
}

TEST_F(LiveStateTest, WhatTheTablesCannotTakeIsRefused) {
  std::vector<Real> reals;
  for (int i = 1; i <= 7; ++i) reals.push_back(real("10.0.0." + std::to_string(i)));
  const auto fits = live_.fits(with_reals(reals));
  ASSERT_FALSE(fits);
  EXPECT_EQ(fits.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(fits.error().message, HasSubstr("reals: 7 new ones, place for 6"));
  reals.pop_back();
  replace(with_reals(reals));
  // Slots of removed reals are still held.
  EXPECT_FALSE(live_.fits(with_reals({real("10.0.1.1")})));
  EXPECT_TRUE(live_.fits(with_reals({real("10.0.0.3")})));
}

TEST_F(LiveStateTest, AnIpv6ServiceIsOneLikeAnother) {
  DesiredState state = with_reals({real("2001:db8:1::1"), real("2001:db8:1::2")});
  state.services[0].address = *IpAddress::parse("2001:db8::80");
  state.services[0].method = Method::kFullnat;
  state.services[0].local_addresses = "six";
  // Another service's pool may be of the other family.
  state.local_addresses = {{"four", {*IpAddress::parse("10.0.0.250")}, ""},
                           {"six", {*IpAddress::parse("2001:db8::250")}, ""}};
  replace(state);
  const auto& six = entry("2001:db8::80");
  ASSERT_EQ(six.candidates.size(), 2u);
  EXPECT_EQ(snapshot_->reals[six.candidates[0].id.index].address, *IpAddress::parse("2001:db8:1::2"));
  EXPECT_THAT(six.local_addresses.v6, ElementsAre(*IpAddress::parse("2001:db8::250")));
  EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse("2001:db8::80")), bit(dataplane::AddressSlot::Kind::kVip));
  EXPECT_EQ(live_.find_real("web", "[2001:db8:1::1]:80")->real, 0u);
}

TEST_F(LiveStateTest, FamiliesAreMixedUnderTunnelAndFullnat) {
  const auto refusal = [this](const DesiredState& state) {
    const auto fits = live_.fits(state);
    EXPECT_FALSE(fits);
    return fits ? "" : fits.error().message;
  };
  DesiredState state = with_reals({real("10.0.0.1"), real("2001:db8::1")});
  EXPECT_EQ(refusal(state), "real web/[2001:db8::1]:80: 2001:db8::1 is not of the family of the service's address "
                            "192.0.2.1; give an IPv4 address");
  state = with_reals({real("10.0.0.1")});
  state.services[0].address = *IpAddress::parse("2001:db8::80");
  EXPECT_EQ(refusal(state), "real web/10.0.0.1:80: 10.0.0.1 is not of the family of the service's address "
                            "2001:db8::80; give an IPv6 address");
  state.services[0].method = Method::kFullnat;
  state.services[0].local_addresses = "pool";
  state.local_addresses = {{"pool", {*IpAddress::parse("2001:db8::250"), *IpAddress::parse("2001:db8::251")}, ""}};
  EXPECT_EQ(refusal(state), "real web/10.0.0.1:80: local_addresses pool has no address of its family; add one, or name another pool");
  state.local_addresses[0].addresses.push_back(*IpAddress::parse("10.0.0.250"));
  EXPECT_TRUE(live_.fits(state));
  state.services[0].application = dataplane::Application::kFtp;
  EXPECT_THAT(refusal(state), HasSubstr("is not of the family"));
}

// What the packet path asks (dataplane/nat64/crossing.h). A real that crosses does so for its connections' lives.
TEST_F(LiveStateTest, ServicesOfOneFamilyDoNotCrossOthersDo) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services[0].method = Method::kFullnat;
  state.services[0].local_addresses = "pool";
  state.local_addresses = {{"pool", {*IpAddress::parse("10.0.0.250"), *IpAddress::parse("2001:db8::250")}, ""}};
  replace(state);
  const auto& slot = [&](size_t candidate) { return snapshot_->reals[entry().candidates[candidate].id.index]; };
  EXPECT_FALSE(snapshot_->has_crossings);
  EXPECT_FALSE(entry().crosses);
  EXPECT_FALSE(slot(0).crosses());

  state.services[0].reals.push_back(real("2001:db8:1::1"));
  replace(state);
  EXPECT_TRUE(snapshot_->has_crossings);
  EXPECT_TRUE(entry().crosses) << "an IPv4 service's new connections";
  EXPECT_TRUE(slot(0).crosses());
  EXPECT_TRUE(slot(1).crosses()) << "its IPv4 real's, too";

  state.services[0].reals.pop_back();
  replace(state);
  EXPECT_FALSE(entry().crosses);
  EXPECT_TRUE(slot(0).crosses()) << "connections of it that cross may be left";

  state.services[0].address = *IpAddress::parse("2001:db8::80");
  replace(state);
  EXPECT_TRUE(snapshot_->has_crossings);
  EXPECT_FALSE(entry("2001:db8::80").crosses) << "its packets are IPv6's before they are asked for";
  EXPECT_TRUE(snapshot_->reals[entry("2001:db8::80").candidates[0].id.index].crosses());
}

TEST_F(LiveStateTest, ATunnelIsTheRealsOwnOrItsServicesAndChangesInPlace) {
  DesiredState state = with_reals({real("10.0.0.1"), real("2001:db8:1::1")});
  Service& web = state.services[0];
  web.method = Method::kTunnel;
  web.reals[1].tunnel = Tunnel{TunnelKind::kGre, 0};
  EXPECT_TRUE(live_.fits(state));
  replace(state);
  // Newest first.
  const auto ids = std::array{entry().candidates[1].id, entry().candidates[0].id};
  const auto at_work = [&](size_t index) { return snapshot_->reals[ids[index].index]; };
  EXPECT_EQ(at_work(0).tunnel, TunnelKind::kIpip);
  EXPECT_EQ(at_work(1).tunnel, TunnelKind::kGre);
  web.tunnel = {TunnelKind::kGueChecksum, 7000};
  replace(state);
  EXPECT_EQ(entry().candidates[1].id, ids[0]) << "connections keep their real";
  EXPECT_EQ(at_work(0).tunnel, TunnelKind::kGueChecksum);
  EXPECT_EQ(at_work(0).tunnel_port.host(), 7000);
  EXPECT_EQ(at_work(1).tunnel, TunnelKind::kGre);
  web.reals[1].tunnel = std::nullopt;
  replace(state);
  EXPECT_EQ(at_work(1).tunnel, TunnelKind::kGueChecksum);
}

TEST_F(LiveStateTest, AServiceGetsThePoolsAddressesOfItsFamily) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services[0].method = Method::kFullnat;
  state.services[0].local_addresses = "pool";
  Service six = state.services[0];
  six.name = "six";
  six.address = *IpAddress::parse("2001:db8::80");
  six.reals = {real("2001:db8:1::1")};
  state.services.push_back(six);
  state.local_addresses = {{"pool",
                            {*IpAddress::parse("10.0.0.250"), *IpAddress::parse("2001:db8::250"),
                             *IpAddress::parse("10.0.0.251")},
                            ""}};
  replace(state);
  EXPECT_THAT(entry().local_addresses.v4,
              ElementsAre(*IpAddress::parse("10.0.0.250"), *IpAddress::parse("10.0.0.251")));
  EXPECT_THAT(entry("2001:db8::80").local_addresses.v6, ElementsAre(*IpAddress::parse("2001:db8::250")));
  for (const char* each : {"10.0.0.250", "10.0.0.251", "2001:db8::250"}) {
    EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse(each)), bit(dataplane::AddressSlot::Kind::kLocal)) << each;
  }
}

TEST_F(LiveStateTest, RealsAreFoundByNameAndByAddress) {
  Real named = real("10.0.0.1");
  named.name = "alpha";
  // A name that reads like the other's address wins.
  Real confusing = real("10.0.0.2");
  confusing.name = "10.0.0.1:80";
  replace(with_reals({named, confusing}));
  EXPECT_EQ(live_.find_real("web", "alpha")->real, 0u);
  EXPECT_EQ(live_.find_real("web", "10.0.0.2:80")->real, 1u);
  EXPECT_EQ(live_.find_real("web", "10.0.0.1:80")->real, 1u);
  EXPECT_THAT(live_.find_real("web", "beta").error().message, HasSubstr("real web/beta"));
  EXPECT_THAT(live_.find_real("www", "alpha").error().message, HasSubstr("service www"));
  EXPECT_EQ(live_.find_real("www", "alpha").error().code, ErrorCode::kNotFound);
}

TEST_F(LiveStateTest, MoreVipsChangeWhileServiceAndRealsStay) {
  replace(with_reals({real("10.0.0.1")}));
  const auto service = entry().id;
  const RealId before = id("10.0.0.1");
  DesiredState more = with_reals({real("10.0.0.1")});
  more.services[0].more_vips = {{*IpAddress::parse("192.0.2.9"), {80, 80}},
                                {*IpAddress::parse("192.0.2.1"), {1000, 1999}}};
  replace(more);
  EXPECT_EQ(entry().id, service);
  EXPECT_EQ(entry("192.0.2.9").id, service);
  EXPECT_EQ(snapshot_->find_service(6, *IpAddress::parse("192.0.2.1"), Be16::from_host(1500))->id, service);
  EXPECT_EQ(id("10.0.0.1"), before);
  replace(with_reals({real("10.0.0.1")}));
  EXPECT_EQ(entry().id, service);
  EXPECT_EQ(snapshot_->find_service(6, *IpAddress::parse("192.0.2.9"), Be16::from_host(80)), nullptr);
}

TEST_F(LiveStateTest, RangesThatBeginAtOnePortAreServicesOfTheirOwn) {
  DesiredState state = with_reals({real("10.0.0.1")});
  state.services.push_back(state.services[0]);
  state.services[1].name = "range";
  state.services[1].last_port = 89;
  replace(state);
  const auto* range = snapshot_->find_service(6, *IpAddress::parse("192.0.2.1"), Be16::from_host(81));
  ASSERT_NE(range, nullptr);
  EXPECT_NE(range->id, entry().id);
}

class MatchesTest : public LiveStateTest {
 protected:
  static Service matching(const std::string& name, const std::string& vips, const std::string& ingress_port = "") {
    Service service;
    service.name = name;
    service.match.emplace();
    service.match->vips = {*Prefix::parse(vips)};
    service.match->ingress_port = ingress_port;
    return service;
  }
  // The name of the service that a request for 192.0.2.1 gets; "-": none.
  std::string found(uint16_t in_port) const {
    const auto* service = snapshot_->find_service(
        {*IpAddress::parse("198.51.100.7"), *IpAddress::parse("192.0.2.1"), {}, Be16::from_host(80), 6}, in_port);
    return service == nullptr ? "-" : slots_.service(service->id).name;
  }
};

TEST_F(MatchesTest, TheStatesOrderIsTheirsAndMayChangeAlone) {
  DesiredState state;
  state.services = {matching("wide", "192.0.2.0/24"), matching("narrow", "192.0.2.1/32")};
  replace(state);
  EXPECT_EQ(found(0), "wide");
  std::swap(state.services[0], state.services[1]);
  replace(state);
  EXPECT_EQ(found(0), "narrow");
}

TEST_F(MatchesTest, AMatchMayChangeWhileServiceAndRealsStay) {
  DesiredState state;
  state.services = {matching("web", "192.0.2.0/24")};
  state.services[0].reals = {real("10.0.0.1")};
  replace(state);
  const auto service = live_.live(0u).id;
  const RealId before = id("10.0.0.1");
  state.services[0].match->vips = {*Prefix::parse("192.0.3.0/24")};
  replace(state);
  EXPECT_EQ(found(0), "-");
  EXPECT_EQ(live_.live(0u).id, service);
  EXPECT_EQ(id("10.0.0.1"), before);
}

TEST_F(MatchesTest, TheIngressPortIsTheMachinesByName) {
  DesiredState state;
  state.services = {matching("web", "192.0.2.0/24", "inside")};
  replace(state);
  EXPECT_EQ(found(1), "web");
  EXPECT_EQ(found(0), "-");
  state.services[0].match->ingress_port = "gone";
  replace(state);
  for (uint16_t port = 0; port < dataplane::kMaxPorts; ++port) EXPECT_EQ(found(port), "-");
}

TEST_F(MatchesTest, RealsAreOfTheMatchsFamily) {
  DesiredState state;
  state.services = {matching("web", "2001:db8::/32")};
  state.services[0].reals = {real("10.0.0.1")};
  const auto fits = live_.fits(state);
  ASSERT_FALSE(fits);
  EXPECT_EQ(fits.error().message,
            "real web/10.0.0.1:80: 10.0.0.1 is not of the family of the service's match; give an IPv6 address");
}

}  // namespace
}  // namespace shunt::control
