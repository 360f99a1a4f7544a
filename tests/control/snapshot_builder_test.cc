#include "control/snapshot_builder.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace shunt::control {
namespace {

using dataplane::AddressSlot;
using dataplane::Candidate;
using dataplane::Method;
using dataplane::Protocol;
using dataplane::RealId;
using Kind = dataplane::Route::Kind;
using dataplane::SchedulerKind;
using dataplane::ServiceEntry;
using dataplane::ServiceId;
using dataplane::Snapshot;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
constexpr uint8_t kTcp = 6;

class SnapshotBuilderTest : public testing::Test {
 protected:
  static ServiceInput service(uint32_t id, const char* vip, std::vector<Candidate> candidates) {
    ServiceInput input;
    input.id = {id};
    input.address = ip(vip);
    input.port = 80;
    input.candidates = std::move(candidates);
    input.timeouts.fill(id + 1);
    return input;
  }
  void set_real(uint32_t id, const char* address, Method method = Method::kNat) {
    builder_.set_real({id}, ip(address), 8080, method, {0});
  }
  // Neighbour 10.0.0.2 (id 0) and gateways 10.0.0.254 and fe80::fe for everything else.
  static std::shared_ptr<const NextHopTables> next_hops(bool gateway_resolved) {
    NextHopTable table({{0, {{2, 0, 0, 0, 0, 1}}, 1500, {*InterfaceAddress::parse("10.0.0.1/24"), *InterfaceAddress::parse("2001:db8::1/64")}}},
                       {});
    KernelView view;
    view.routes = {{*Prefix::parse("10.0.0.0/24"), 0, {}, 0, {}},
                   {*Prefix::parse("172.16.0.0/12"), 0, *IpAddress::parse("10.0.0.254"), 0, {}},
                   {*Prefix::parse("2001:db8::/64"), 0, {}, 0, {}},
                   {*Prefix::parse("2001:db8:5::/48"), 0, *IpAddress::parse("fe80::fe"), 0, {}}};
    view.neighbours = {{0, *IpAddress::parse("10.0.0.2"), {{2, 0, 0, 0, 0, 2}}}};
    if (gateway_resolved) {
      view.neighbours.push_back({0, *IpAddress::parse("10.0.0.254"), {{2, 0, 0, 0, 0, 3}}});
      view.neighbours.push_back({0, *IpAddress::parse("fe80::fe"), {{2, 0, 0, 0, 0, 4}}});
    }
    table.update(view);
    return table.tables();
  }
  const ServiceEntry& find(const Snapshot& snapshot, const char* vip) const {
    const ServiceEntry* found = snapshot.find_service(kTcp, ip(vip), Be16::from_host(80));
    EXPECT_NE(found, nullptr) << vip;
    return *found;
  }

  SnapshotBuilder builder_;
};

TEST_F(SnapshotBuilderTest, AnEmptySnapshotAnswersEveryQuestion) {
  const auto snapshot = builder_.build();
  EXPECT_EQ(snapshot->version, 1u);
  EXPECT_EQ(snapshot->find_service(kTcp, ip("192.0.2.1"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(snapshot->kinds_of(ip("192.0.2.1")), 0);
  EXPECT_EQ(snapshot->next_hops.route_to(ip("10.0.0.1")).kind, dataplane::Route::Kind::kNoRoute);
  EXPECT_FALSE(snapshot->link_up[0]);
}

TEST_F(SnapshotBuilderTest, ServicesAreFoundByProtocolVipAndPort) {
  set_real(3, "10.0.0.2");
  builder_.set_service(service(7, "192.0.2.1", {{{3}, 5, 5}}));
  const auto snapshot = builder_.build();
  const ServiceEntry& entry = find(*snapshot, "192.0.2.1");
  EXPECT_EQ(entry.id.index, 7u);
  ASSERT_EQ(entry.candidates.size(), 1u);
  EXPECT_EQ(entry.candidates[0].id.index, 3u);
  EXPECT_EQ(entry.candidates[0].weight, 5u);
  EXPECT_EQ(snapshot->reals[3].timeouts, 0) << "set_real() of this test names service 0";
  EXPECT_EQ(snapshot->find_service(17, ip("192.0.2.1"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(snapshot->find_service(kTcp, ip("192.0.2.1"), Be16::from_host(81)), nullptr);
}

TEST_F(SnapshotBuilderTest, RealsKnowTheirWayOut) {
  builder_.set_next_hops(next_hops(false));
  set_real(0, "10.0.0.2");
  set_real(1, "10.0.0.3");
  set_real(2, "172.16.0.1");
  set_real(3, "8.8.8.8");
  auto snapshot = builder_.build();
  EXPECT_EQ(snapshot->reals[0].next_hop.index, 0);
  const auto without_way = [](const dataplane::RealEntry& real) {
    return real.next_hop == dataplane::kNoNextHop && real.way_out.mtu == 0;
  };
  EXPECT_TRUE(without_way(snapshot->reals[1]));
  EXPECT_EQ(builder_.route_to({1}).kind, Kind::kUnresolved);
  EXPECT_EQ(builder_.route_to({1}).neighbour, ip("10.0.0.3"));
  EXPECT_TRUE(without_way(snapshot->reals[2]));
  EXPECT_EQ(builder_.route_to({2}).neighbour, ip("10.0.0.254"));
  EXPECT_TRUE(without_way(snapshot->reals[3]));
  EXPECT_EQ(builder_.route_to({3}).kind, Kind::kNoRoute);

  // The snapshot before stays as it was; the next one knows the gateway.
  builder_.set_next_hops(next_hops(true));
  const auto later = builder_.build();
  EXPECT_EQ(snapshot->reals[2].next_hop, dataplane::kNoNextHop);
  EXPECT_EQ(later->next_hops.hops[later->reals[2].next_hop.index].address, ip("10.0.0.254"));
  EXPECT_EQ(later->port_addresses[0].v4, ip("10.0.0.1"));
  EXPECT_EQ(later->port_addresses[0].v6, ip("2001:db8::1"));
}

TEST_F(SnapshotBuilderTest, RealsCarryTheirNextHopAndWhatFits) {
  builder_.set_next_hops(next_hops(true));
  builder_.set_link(0, true);
  set_real(0, "172.16.0.1");
  builder_.set_real({1}, ip("172.16.0.1"), 80, dataplane::Method::kTunnel, {5});
  set_real(2, "8.8.8.8");
  const auto up = builder_.build();
  const dataplane::NextHop& gateway = up->next_hops.hops[up->reals[0].next_hop.index];
  EXPECT_EQ(up->reals[0].way_out, static_cast<const dataplane::WayOut&>(gateway));
  EXPECT_EQ(up->reals[0].local_address, ip("10.0.0.1"));
  EXPECT_EQ(up->reals[0].way_out.mtu, 1500);
  EXPECT_EQ(up->reals[1].way_out.mtu, 1480) << "the tunnel's header goes with it";
  EXPECT_EQ(up->reals[1].timeouts, 5);
  EXPECT_EQ(up->reals[2].way_out.mtu, 0) << "no route";
  builder_.set_link(0, false);
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 0) << "no link";
  builder_.set_link(0, true);
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 1500);
  builder_.set_next_hops(next_hops(false));
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 0) << "no MAC address";
}

TEST_F(SnapshotBuilderTest, Ipv6RealsCarryTheirNextHopAndWhatFits) {
  builder_.set_next_hops(next_hops(true));
  builder_.set_link(0, true);
  set_real(0, "2001:db8:5::1");
  set_real(1, "2001:db8:5::1", Method::kTunnel);
  set_real(2, "2001:db8::77");
  const auto snapshot = builder_.build();
  EXPECT_EQ(snapshot->reals[0].way_out.destination_mac, (MacAddress{{2, 0, 0, 0, 0, 4}}));
  EXPECT_EQ(snapshot->reals[0].way_out.mtu, 1500);
  EXPECT_EQ(snapshot->reals[1].way_out.mtu, 1460) << "an IPv6 header goes with it";
  EXPECT_EQ(snapshot->reals[1].local_address, ip("2001:db8::1"));
  EXPECT_EQ(snapshot->reals[2].way_out.mtu, 0);
  EXPECT_EQ(builder_.route_to({2}).neighbour, ip("2001:db8::77"));
}

TEST_F(SnapshotBuilderTest, TheTunnelsSourceFollowsThePortsAddress) {
  const auto with_own = [](const char* own) {
    NextHopTable table({{0, {{2, 0, 0, 0, 0, 1}}, 1500, {*InterfaceAddress::parse(own)}}}, {});
    const KernelNeighbour gateway{0, ip("fe80::fe"), {{2, 0, 0, 0, 0, 4}}};
    table.update({{}, {{*Prefix::parse("::/0"), 0, gateway.address, 0, {}}}, {gateway}});
    return table.tables();
  };
  builder_.set_next_hops(with_own("2001:db8::1/64"));
  set_real(0, "2001:db8:5::1", Method::kTunnel);
  EXPECT_EQ(builder_.build()->reals[0].local_address, ip("2001:db8::1"));
  builder_.set_next_hops(with_own("2001:db8::2/64"));
  EXPECT_EQ(builder_.build()->reals[0].local_address, ip("2001:db8::2"));
}

TEST_F(SnapshotBuilderTest, ServicesOfBothFamiliesAreFound) {
  builder_.set_service(service(0, "192.0.2.1", {}));
  builder_.set_service(service(1, "2001:db8::80", {}));
  // The bytes of 192.0.2.1 and nothing else.
  builder_.set_service(service(2, "c000:201::", {}));
  const auto snapshot = builder_.build();
  EXPECT_EQ(find(*snapshot, "192.0.2.1").id.index, 0u);
  EXPECT_EQ(find(*snapshot, "2001:db8::80").id.index, 1u);
  EXPECT_EQ(find(*snapshot, "c000:201::").id.index, 2u);
  EXPECT_EQ(snapshot->find_service(kTcp, ip("2001:db8::81"), Be16::from_host(80)), nullptr);
}

TEST_F(SnapshotBuilderTest, ANeighbourThatChangesRebuildsNoService) {
  builder_.set_next_hops(next_hops(false));
  set_real(0, "10.0.0.2");
  set_real(1, "172.16.0.1");
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  const auto before = builder_.build();
  EXPECT_FALSE(builder_.is_dirty());
  builder_.set_next_hops(next_hops(true));
  ASSERT_TRUE(builder_.is_dirty());
  const auto after = builder_.build();
  EXPECT_EQ(after->services.data(), before->services.data());
  EXPECT_EQ(after->service_slots.data(), before->service_slots.data());
  EXPECT_EQ(after->addresses.data(), before->addresses.data());
  EXPECT_EQ(after->timeouts.data(), before->timeouts.data());
  EXPECT_NE(after->reals.data(), before->reals.data());
}

TEST_F(SnapshotBuilderTest, ANeighbourThatNoRealNeedsRebuildsNoReals) {
  builder_.set_next_hops(next_hops(false));
  set_real(0, "10.0.0.2");
  const auto before = builder_.build();
  builder_.set_next_hops(next_hops(true));
  EXPECT_EQ(builder_.build()->reals.data(), before->reals.data());
}

TEST_F(SnapshotBuilderTest, AWeightRebuildsOneServiceOnly) {
  set_real(0, "10.0.0.2");
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  builder_.set_service(service(1, "192.0.2.2", {{{0}, 1, 1}}));
  const auto before = builder_.build();
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 9, 9}}));
  const auto after = builder_.build();
  EXPECT_EQ(find(*after, "192.0.2.2").candidates.data(), find(*before, "192.0.2.2").candidates.data());
  EXPECT_EQ(find(*after, "192.0.2.1").candidates[0].weight, 9u);
  EXPECT_EQ(find(*before, "192.0.2.1").candidates[0].weight, 1u);
  EXPECT_EQ(after->reals.data(), before->reals.data());
  EXPECT_EQ(after->service_slots.data(), before->service_slots.data());
  EXPECT_EQ(after->timeouts.data(), before->timeouts.data());
  EXPECT_NE(find(*after, "192.0.2.1").generation, find(*before, "192.0.2.1").generation);
  EXPECT_EQ(find(*after, "192.0.2.2").generation, find(*before, "192.0.2.2").generation);
}

TEST_F(SnapshotBuilderTest, GenerationStaysWhenCandidatesDo) {
  set_real(0, "10.0.0.2");
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  const auto before = builder_.build();
  ServiceInput changed = service(0, "192.0.2.1", {{{0}, 1, 1}});
  changed.timeouts.fill(99);
  builder_.set_service(changed);
  const auto after = builder_.build();
  EXPECT_EQ(find(*after, "192.0.2.1").generation, find(*before, "192.0.2.1").generation);
  EXPECT_EQ(after->timeouts[0][3], 99u);
}

// Or wrr would go on by weights that it saw before rr had its turn.
TEST_F(SnapshotBuilderTest, AnotherSchedulerIsAnotherGeneration) {
  set_real(0, "10.0.0.2");
  ServiceInput input = service(0, "192.0.2.1", {{{0}, 1, 1}});
  input.scheduler = SchedulerKind::kWrr;
  builder_.set_service(input);
  const uint32_t first = find(*builder_.build(), "192.0.2.1").generation;
  input.scheduler = SchedulerKind::kRr;
  builder_.set_service(input);
  const uint32_t second = find(*builder_.build(), "192.0.2.1").generation;
  EXPECT_NE(second, first);
}

TEST_F(SnapshotBuilderTest, AReusedServiceIdHasAnotherGeneration) {
  set_real(0, "10.0.0.2");
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  const uint32_t first = find(*builder_.build(), "192.0.2.1").generation;
  builder_.remove_service({0});
  const auto without = builder_.build();
  EXPECT_EQ(without->find_service(kTcp, ip("192.0.2.1"), Be16::from_host(80)), nullptr);
  // Connections of the removed service still know their timeouts.
  EXPECT_EQ(without->timeouts[0][0], 1u);
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  EXPECT_NE(find(*builder_.build(), "192.0.2.1").generation, first);
}

TEST_F(SnapshotBuilderTest, AddressesHaveEveryMeaningTheyWereGiven) {
  set_real(0, "10.0.0.2", Method::kNat);
  set_real(1, "10.0.0.3", Method::kDirect);
  builder_.set_service(service(0, "192.0.2.1", {}));
  builder_.set_service(service(1, "2001:db8::80", {}));
  set_real(2, "2001:db8::2", Method::kNat);
  builder_.set_pools({std::make_shared<std::vector<IpAddress>>(
      std::vector<IpAddress>{ip("10.0.0.250"), ip("2001:db8::250")})});
  builder_.set_own_addresses({ip("192.0.2.1"), ip("10.0.0.1"), ip("10.0.0.250"), ip("fe80::1"), ip("2001:db8::80"),
                              ip("2001:db8::250"), ip("::"), ip("0.0.0.0")});
  auto snapshot = builder_.build();
  const auto kinds = [&](const char* address) { return snapshot->kinds_of(ip(address)); };
  EXPECT_EQ(kinds("10.0.0.2"), bit(AddressSlot::Kind::kReal));
  EXPECT_EQ(kinds("10.0.0.3"), 0);
  EXPECT_EQ(kinds("192.0.2.1"), bit(AddressSlot::Kind::kVip) | bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("10.0.0.250"), bit(AddressSlot::Kind::kLocal) | bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("10.0.0.1"), bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("fe80::1"), bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("2001:db8::2"), bit(AddressSlot::Kind::kReal));
  EXPECT_EQ(kinds("2001:db8::80"), bit(AddressSlot::Kind::kVip) | bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("2001:db8::250"), bit(AddressSlot::Kind::kLocal) | bit(AddressSlot::Kind::kOwn));
  EXPECT_EQ(kinds("::"), 0);
  EXPECT_EQ(kinds("a00:1::"), 0) << "the bytes of 10.0.0.1, but not its family";
  builder_.free_real({0});
  snapshot = builder_.build();
  EXPECT_EQ(kinds("10.0.0.2"), 0);
  EXPECT_FALSE(snapshot->reals[0].used);
}

TEST_F(SnapshotBuilderTest, MaglevsSlotsAreFilledWithItsCandidates) {
  set_real(0, "10.0.0.2");
  set_real(1, "10.0.0.3");
  ServiceInput input = service(0, "192.0.2.1", {{{1}, 1, 1}, {{0}, 1, 1}});
  input.scheduler = SchedulerKind::kMh;
  builder_.set_service(input);
  const auto snapshot = builder_.build();
  const auto slots = find(*snapshot, "192.0.2.1").slots;
  ASSERT_FALSE(slots.empty());
  EXPECT_EQ(std::set<uint32_t>(slots.begin(), slots.end()), (std::set<uint32_t>{0, 1}));
}

TEST_F(SnapshotBuilderTest, AnotherSchedulerHasAnotherTable) {
  set_real(0, "10.0.0.2");
  set_real(1, "10.0.0.3");
  ServiceInput input = service(0, "192.0.2.1", {{{1}, 1, 1}, {{0}, 1, 1}});
  const auto slots_with = [&](SchedulerKind scheduler) {
    input.scheduler = scheduler;
    builder_.set_service(input);
    EXPECT_TRUE(builder_.is_dirty());
    return find(*builder_.build(), "192.0.2.1").slots.size();
  };
  EXPECT_EQ(slots_with(SchedulerKind::kMh), 4093u);
  EXPECT_EQ(slots_with(SchedulerKind::kSh), 256u);
  EXPECT_EQ(slots_with(SchedulerKind::kTwos), 2u);
  EXPECT_EQ(slots_with(SchedulerKind::kFo), 1u);
  EXPECT_EQ(slots_with(SchedulerKind::kSed), 0u);
}

TEST_F(SnapshotBuilderTest, SchedulerFlagsArrive) {
  ServiceInput input = service(0, "192.0.2.1", {});
  input.scheduler = SchedulerKind::kSh;
  for (const uint8_t flags : {dataplane::kHashPort, dataplane::kFallback, uint8_t{0}}) {
    input.scheduler_flags = flags;
    builder_.set_service(input);
    EXPECT_TRUE(builder_.is_dirty());
    EXPECT_EQ(find(*builder_.build(), "192.0.2.1").scheduler_flags, flags);
  }
}

TEST_F(SnapshotBuilderTest, LinksAreAsTold) {
  builder_.build();
  builder_.set_link(4, true);
  EXPECT_TRUE(builder_.is_dirty());
  EXPECT_TRUE(builder_.build()->link_up[4]);
  builder_.set_link(4, true);
  EXPECT_FALSE(builder_.is_dirty());
}

TEST_F(SnapshotBuilderTest, ManyServicesAreAllFound) {
  std::mt19937 random(1);
  std::set<uint32_t> addresses;
  while (addresses.size() < 5000) addresses.insert(0xc0000000u + random() % 100000);
  uint32_t id = 0;
  for (const uint32_t address : addresses) {
    ServiceInput input = service(id++, "0.0.0.0", {});
    input.address = IpAddress::from_v4(Be32::from_host(address));
    builder_.set_service(input);
  }
  for (uint32_t gone = 0; gone < 5000; gone += 3) builder_.remove_service({gone});
  const auto snapshot = builder_.build();
  EXPECT_EQ(snapshot->service_slots.size(), 8192u);
  id = 0;
  for (const uint32_t address : addresses) {
    const IpAddress vip = IpAddress::from_v4(Be32::from_host(address));
    const auto* found = snapshot->find_service(kTcp, vip, Be16::from_host(80));
    if (id % 3 == 0) ASSERT_EQ(found, nullptr);
    else ASSERT_TRUE(found != nullptr && found->id.index == id);
    const bool is_vip = snapshot->kinds_of(vip) == bit(AddressSlot::Kind::kVip);
    ASSERT_EQ(is_vip, id % 3 != 0);
    ++id;
  }
}

}  // namespace
}  // namespace shunt::control
