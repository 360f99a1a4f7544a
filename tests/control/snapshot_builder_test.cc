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
using dataplane::TunnelKind;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
constexpr uint8_t kTcp = 6;

class SnapshotBuilderTest : public testing::Test {
 protected:
  static ServiceInput service(uint32_t id, const char* vip, std::vector<Candidate> candidates) {
    ServiceInput input;
    input.id = {id};
    input.vips = {{ip(vip), {80, 80}}};
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

TEST_F(SnapshotBuilderTest, SysctlsAreDirtyWhenTheyDiffer) {
  (void)builder_.build();
  builder_.set_sysctls({});
  EXPECT_FALSE(builder_.is_dirty());
  builder_.set_sysctls({.conn_reuse_mode = 0});
  EXPECT_TRUE(builder_.is_dirty());
  EXPECT_EQ(builder_.build()->sysctls.conn_reuse_mode, 0);
  EXPECT_FALSE(builder_.is_dirty());
}

TEST_F(SnapshotBuilderTest, NatRealsAreKnownByTheirPortsWhereASysctlAsks) {
  for (const uint32_t id : {1u, 2u}) {
    ServiceInput input;
    input.id = {id};
    input.protocol = dataplane::Protocol::kUdp;
    input.method = id == 1 ? dataplane::Method::kNat : dataplane::Method::kDirect;
    input.vips = {{ip("203.0.113.10"), {static_cast<uint16_t>(80 + id), static_cast<uint16_t>(80 + id)}}};
    builder_.set_real({id}, ip("10.0.0.7"), static_cast<uint16_t>(8080 + id), input.method, {id});
    builder_.set_service(input);
  }
  const auto reply = [](uint16_t port, uint8_t protocol = 17) {
    return dataplane::IpFlow{ip("10.0.0.7"), ip("198.51.100.7"), Be16::from_host(port), Be16::from_host(1), protocol};
  };
  EXPECT_FALSE(builder_.build()->is_from_nat_real(reply(8081)));
  builder_.set_sysctls({.nat_icmp_send = true});
  const auto snapshot = builder_.build();
  EXPECT_TRUE(snapshot->is_from_nat_real(reply(8081)));
  EXPECT_FALSE(snapshot->is_from_nat_real(reply(8082))) << "a direct one";
  EXPECT_FALSE(snapshot->is_from_nat_real(reply(8083)));
  EXPECT_FALSE(snapshot->is_from_nat_real(reply(8081, 6)));
  builder_.free_real({1});
  EXPECT_FALSE(builder_.build()->is_from_nat_real(reply(8081)));
}

TEST_F(SnapshotBuilderTest, ExpiredRealsAreBitsWithAGenerationOfTheirOwn) {
  const auto none = builder_.build();
  EXPECT_TRUE(none->expired_reals.empty());
  builder_.set_expired({{65}, {0}});
  ASSERT_TRUE(builder_.is_dirty());
  const auto some = builder_.build();
  ASSERT_EQ(some->expired_reals.size(), 2u);
  EXPECT_EQ(some->expired_reals[0], 1u);
  EXPECT_EQ(some->expired_reals[1], 2u);
  EXPECT_NE(some->expired_generation, none->expired_generation);
  builder_.set_expired({{0}, {65}});
  EXPECT_FALSE(builder_.is_dirty()) << "the same in another order";
  builder_.set_expired({});
  const auto later = builder_.build();
  EXPECT_TRUE(later->expired_reals.empty());
  EXPECT_NE(later->expired_generation, some->expired_generation);
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
  builder_.set_tunnel({1}, {TunnelKind::kGueChecksum, 7000});
  const auto gue = builder_.build();
  EXPECT_EQ(gue->reals[1].way_out.mtu, 1468);
  EXPECT_EQ(gue->reals[1].tunnel_port.host(), 7000);
  EXPECT_EQ(up->reals[1].way_out.mtu, 1480) << "the snapshot before stays as it was";
  builder_.set_tunnel({1}, {TunnelKind::kGueChecksum, 7000});
  EXPECT_FALSE(builder_.is_dirty()) << "nothing new";
  builder_.set_link(0, false);
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 0) << "no link";
  builder_.set_link(0, true);
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 1500);
  builder_.set_next_hops(next_hops(false));
  EXPECT_EQ(builder_.build()->reals[0].way_out.mtu, 0) << "no MAC address";
}

TEST_F(SnapshotBuilderTest, TunnelsKnowWhatTheirPathsTake) {
  builder_.set_next_hops(next_hops(true));
  builder_.set_link(0, true);
  set_real(0, "172.16.0.1");  // nat: its clients look for themselves
  for (const uint32_t id : {1u, 2u}) builder_.set_real({id}, ip("172.16.0.1"), 80, dataplane::Method::kTunnel, {5});
  builder_.set_real({3}, ip("172.16.0.2"), 80, dataplane::Method::kTunnel, {5});
  builder_.build();
  EXPECT_EQ(builder_.path_mtu({1}), 0);
  builder_.set_path_mtu(ip("172.16.0.1"), 1400);
  EXPECT_TRUE(builder_.is_dirty());
  auto snapshot = builder_.build();
  EXPECT_EQ(snapshot->reals[0].way_out.mtu, 1500);
  EXPECT_EQ(snapshot->reals[1].way_out.mtu, 1380);
  EXPECT_EQ(snapshot->reals[2].way_out.mtu, 1380) << "two services, one path";
  EXPECT_EQ(snapshot->reals[3].way_out.mtu, 1480);
  EXPECT_EQ(builder_.path_mtu({0}), 0);
  EXPECT_EQ(builder_.path_mtu({1}), 1400);
  // One that comes later knows, too.
  builder_.set_real({4}, ip("172.16.0.1"), 80, dataplane::Method::kTunnel, {6});
  EXPECT_EQ(builder_.build()->reals[4].way_out.mtu, 1380);
  builder_.set_path_mtu(ip("172.16.0.1"), 1400);
  EXPECT_FALSE(builder_.is_dirty()) << "no news";
  builder_.set_path_mtu(ip("172.16.0.1"), 9000);
  EXPECT_EQ(builder_.build()->reals[1].way_out.mtu, 1480) << "a path takes no more than its first link";
  builder_.set_path_mtu(ip("172.16.0.1"), 0);
  EXPECT_EQ(builder_.build()->reals[1].way_out.mtu, 1480);
  EXPECT_EQ(builder_.path_mtu({1}), 0);
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
  const dataplane::ServiceEntry first = find(*builder_.build(), "192.0.2.1");
  EXPECT_FALSE(first.scheduler_changed);
  input.scheduler = SchedulerKind::kRr;
  builder_.set_service(input);
  const dataplane::ServiceEntry second = find(*builder_.build(), "192.0.2.1");
  EXPECT_NE(second.generation, first.generation);
  EXPECT_NE(second.round, first.round);
  EXPECT_TRUE(second.scheduler_changed);
  input.candidates[0].weight = 2;
  builder_.set_service(input);
  const dataplane::ServiceEntry third = find(*builder_.build(), "192.0.2.1");
  EXPECT_EQ(third.round, second.round);
  EXPECT_TRUE(third.scheduler_changed);
}

TEST_F(SnapshotBuilderTest, AReusedServiceIdHasAnotherGeneration) {
  set_real(0, "10.0.0.2");
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  const dataplane::ServiceEntry first = find(*builder_.build(), "192.0.2.1");
  builder_.remove_service({0});
  const auto without = builder_.build();
  EXPECT_EQ(without->find_service(kTcp, ip("192.0.2.1"), Be16::from_host(80)), nullptr);
  // Connections of the removed service still know their timeouts.
  EXPECT_EQ(without->timeouts[0][0], 1u);
  builder_.set_service(service(0, "192.0.2.1", {{{0}, 1, 1}}));
  const dataplane::ServiceEntry second = find(*builder_.build(), "192.0.2.1");
  EXPECT_NE(second.generation, first.generation);
  EXPECT_NE(second.round, first.round);
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
  EXPECT_FALSE(snapshot->reals[0].is_used());
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

// "0" to "9": the service that a request gets; "-": none.
std::string found_by(const Snapshot& snapshot, const char* vip, uint16_t port, const char* client = "198.51.100.7",
                     uint16_t in_port = 0) {
  const auto* found =
      snapshot.find_service({ip(client), ip(vip), Be16::from_host(40000), Be16::from_host(port), kTcp}, in_port);
  return found == nullptr ? "-" : std::to_string(found->id.index);
}

TEST_F(SnapshotBuilderTest, OneServiceIsFoundByAllItsVipsAndRanges) {
  ServiceInput web = service(3, "192.0.2.1", {});
  web.vips.push_back({ip("192.0.2.2"), {443, 443}});
  web.vips.push_back({ip("192.0.2.3"), {1000, 1999}});
  builder_.set_service(web);
  ServiceInput rest = service(5, "192.0.2.3", {});
  rest.vips[0].ports = kAllPorts;
  builder_.set_service(rest);
  auto snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80), "3");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.2", 443), "3");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.2", 80), "-");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.3", 1000), "3");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.3", 2000), "5");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.3", 0), "5");
  for (const char* vip : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
    EXPECT_EQ(snapshot->kinds_of(ip(vip)), bit(AddressSlot::Kind::kVip)) << vip;
  }
  // One VIP fewer.
  web.vips.pop_back();
  builder_.set_service(web);
  snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.3", 1000), "5");
  builder_.remove_service({5});
  snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.3", 1000), "-");
  EXPECT_EQ(snapshot->kinds_of(ip("192.0.2.3")), 0);
}

TEST_F(SnapshotBuilderTest, MatchesAreAskedFirstInTheirOrder) {
  const auto matching = [&](uint32_t id, uint32_t priority, const char* clients, const char* vips) {
    ServiceInput input = service(id, "0.0.0.0", {});
    input.vips.clear();
    input.match = MatchRule{};
    if (*clients) input.match->clients = {*Prefix::parse(clients)};
    if (*vips) input.match->vips = {*Prefix::parse(vips)};
    input.priority = priority;
    return input;
  };
  builder_.set_service(service(0, "192.0.2.1", {}));
  builder_.set_service(matching(1, 20, "198.51.100.0/24", ""));
  builder_.set_service(matching(2, 10, "198.51.100.0/28", "192.0.2.0/24"));
  auto snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80), "2");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80, "198.51.100.17"), "1");
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80, "203.0.113.1"), "0");
  EXPECT_EQ(found_by(*snapshot, "10.9.9.9", 22), "1");
  EXPECT_TRUE(snapshot->find_service({ip("198.51.100.17"), ip("10.9.9.9"), {}, {}, kTcp}, 0)->any_destination);
  EXPECT_FALSE(snapshot->find_service({ip("198.51.100.1"), ip("192.0.2.9"), {}, {}, kTcp}, 0)->any_destination);
  EXPECT_TRUE(snapshot->is_vip(ip("192.0.2.77")));
  EXPECT_EQ(snapshot->kinds_of(ip("192.0.2.77")), 0) << "not an address of a kernel port";
  EXPECT_FALSE(snapshot->is_vip(ip("10.9.9.9")));
  // The order alone changes.
  builder_.set_service(matching(2, 30, "198.51.100.0/28", "192.0.2.0/24"));
  snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80), "1");
  // And a prefix.
  builder_.set_service(matching(1, 20, "198.51.99.0/24", ""));
  snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80), "2");
  builder_.remove_service({1});
  builder_.remove_service({2});
  snapshot = builder_.build();
  EXPECT_TRUE(snapshot->matches.empty());
  EXPECT_EQ(found_by(*snapshot, "192.0.2.1", 80), "0");
}

TEST_F(SnapshotBuilderTest, AMatchTakesNothingThatIsForTheMachineItself) {
  ServiceInput all = service(1, "0.0.0.0", {});
  all.vips.clear();
  all.match = MatchRule{};
  all.match->clients = {*Prefix::parse("0.0.0.0/0")};
  all.match->vips = {*Prefix::parse("192.0.2.7/32"), *Prefix::parse("0.0.0.0/1")};
  builder_.set_service(all);
  builder_.set_own_addresses({ip("10.0.0.1"), ip("192.0.2.7")});
  builder_.set_pools({std::make_shared<const std::vector<IpAddress>>(std::vector{ip("10.0.0.250")})});
  const auto snapshot = builder_.build();
  EXPECT_EQ(found_by(*snapshot, "10.0.0.2", 22), "1");
  EXPECT_EQ(found_by(*snapshot, "10.0.0.1", 22), "-") << "a kernel port's own";
  EXPECT_EQ(found_by(*snapshot, "10.0.0.250", 22), "-") << "a local address";
  EXPECT_EQ(found_by(*snapshot, "192.0.2.7", 22), "1") << "a VIP, which kernel ports have, too";
  EXPECT_EQ(snapshot->kinds_of(ip("192.0.2.7")), bit(AddressSlot::Kind::kVip) | bit(AddressSlot::Kind::kOwn));
}

TEST_F(SnapshotBuilderTest, NatRealsOfOnePacketServicesAreKnownByWhatTheySendFrom) {
  const auto sender = [](const Snapshot& snapshot, const char* real, uint16_t port, uint8_t protocol = 17) {
    const auto* found = snapshot.find_one_packet({ip(real), ip("198.51.100.7"), Be16::from_host(port), {}, protocol});
    return found == nullptr ? std::string("-")
                            : std::to_string(found->real.index) + " " + found->vip.to_string() + " " +
                                  std::to_string(found->first_port) + "-" + std::to_string(found->last_port);
  };
  ServiceInput dns = service(0, "192.0.2.1", {});
  dns.protocol = Protocol::kUdp;
  dns.vips[0].ports = {53, 53};
  set_real(0, "10.0.0.2");
  set_real(1, "10.0.0.3", Method::kDirect);
  builder_.set_service(dns);
  EXPECT_EQ(sender(*builder_.build(), "10.0.0.2", 8080), "-") << "not one-packet";
  dns.one_packet = true;
  builder_.set_service(dns);
  auto snapshot = builder_.build();
  EXPECT_EQ(sender(*snapshot, "10.0.0.2", 8080), "0 192.0.2.1 53-53");
  EXPECT_EQ(sender(*snapshot, "10.0.0.2", 8081), "-");
  EXPECT_EQ(sender(*snapshot, "10.0.0.2", 8080, 6), "-");
  EXPECT_EQ(sender(*snapshot, "10.0.0.3", 8080), "-") << "direct";
  // One real more, one less.
  set_real(2, "10.0.0.4");
  builder_.free_real({0});
  snapshot = builder_.build();
  EXPECT_EQ(sender(*snapshot, "10.0.0.2", 8080), "-");
  EXPECT_EQ(sender(*snapshot, "10.0.0.4", 8080), "2 192.0.2.1 53-53");
  // Ranges of two services, whose real keeps the ports.
  dns.vips[0].ports = {1000, 1999};
  builder_.set_service(dns);
  builder_.set_real({2}, ip("10.0.0.4"), 0, Method::kNat, {0});
  ServiceInput other = dns;
  other.id = {1};
  other.vips = {{ip("192.0.2.9"), {3000, 3999}}};
  builder_.set_service(other);
  builder_.set_real({3}, ip("10.0.0.4"), 0, Method::kNat, {1});
  snapshot = builder_.build();
  EXPECT_EQ(sender(*snapshot, "10.0.0.4", 1999), "2 192.0.2.1 1000-1999");
  EXPECT_EQ(sender(*snapshot, "10.0.0.4", 3000), "3 192.0.2.9 3000-3999");
  EXPECT_EQ(sender(*snapshot, "10.0.0.4", 2000), "-");
  EXPECT_EQ(sender(*snapshot, "10.0.0.4", 0), "-");
  builder_.remove_service({0});
  EXPECT_EQ(sender(*builder_.build(), "10.0.0.4", 1999), "-");
}

TEST_F(SnapshotBuilderTest, ManyServicesAreAllFound) {
  std::mt19937 random(1);
  std::set<uint32_t> addresses;
  while (addresses.size() < 5000) addresses.insert(0xc0000000u + random() % 100000);
  uint32_t id = 0;
  for (const uint32_t address : addresses) {
    ServiceInput input = service(id++, "0.0.0.0", {});
    input.vips[0].address = IpAddress::from_v4(Be32::from_host(address));
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
