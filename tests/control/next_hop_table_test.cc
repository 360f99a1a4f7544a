#include "control/next_hop_table.h"

#include <gtest/gtest.h>

namespace shunt::control {
namespace {

using dataplane::kNoNextHop;
using dataplane::NextHopId;
using dataplane::Route;
using Kind = Route::Kind;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
IpAddress nth_v4(uint32_t n) { return IpAddress::from_v4(Be32::from_host(n)); }
MacAddress mac(uint8_t last) { return {{2, 0, 0, 0, 0, last}}; }
KernelNeighbour neighbour(uint16_t port, const char* address, uint8_t last) {
  return {port, *IpAddress::parse(address), mac(last)};
}
KernelRoute on_link(uint16_t port, const char* prefix) { return {*Prefix::parse(prefix), port, {}, 0, {}}; }
KernelRoute via(uint16_t port, const char* prefix, const char* gateway, uint32_t metric = 0) {
  return {*Prefix::parse(prefix), port, *IpAddress::parse(gateway), metric, {}};
}
KernelLink link(uint16_t port, std::vector<const char*> addresses, uint16_t mtu = 1500) {
  KernelLink result{port, true, mtu, {}};
  for (const char* each : addresses) result.addresses.push_back(*InterfaceAddress::parse(each));
  return result;
}

class NextHopTableTest : public testing::Test {
 protected:
  Route route(const char* destination) const { return table_.tables()->view().route_to(ip(destination)); }
  const dataplane::NextHop& hop(NextHopId id) const { return table_.tables()->hops[id.index]; }

  std::vector<NextHopPort> ports_ = {{0, mac(100), 1500, {*InterfaceAddress::parse("10.0.0.1/24")}},
                                     {1, mac(101), 9000, {}}};
  NextHopTable table_{ports_, {}};
  KernelView view_{{link(0, {"192.0.2.10/32", "10.0.0.1/24", "10.9.0.1/16"}), link(1, {"10.1.0.1/24"}, 1400)},
                   {on_link(0, "10.0.0.0/24"), on_link(1, "10.1.0.0/24"), via(0, "0.0.0.0/0", "10.0.0.254")},
                   {neighbour(0, "10.0.0.2", 2), neighbour(1, "10.1.0.3", 3)}};
};

TEST_F(NextHopTableTest, FindsOnLinkNeighboursWithAllThatAFrameNeeds) {
  ASSERT_TRUE(table_.update(view_));
  const Route found = route("10.1.0.3");
  ASSERT_EQ(found.kind, Kind::kFound);
  EXPECT_EQ(hop(found.hop).destination_mac, mac(3));
  EXPECT_EQ(hop(found.hop).source_mac, mac(101));
  EXPECT_EQ(hop(found.hop).port, 1);
  EXPECT_EQ(hop(found.hop).mtu, 1400);
  EXPECT_EQ(hop(found.hop).local_address, ip("10.1.0.1"));
  EXPECT_EQ(hop(found.hop).address, ip("10.1.0.3"));
}

TEST_F(NextHopTableTest, KnowsWhoseMacAddressIsAnOperatorsWord) {
  view_.neighbours[0].is_fixed = true;
  table_.update(view_);
  EXPECT_TRUE(hop(route("10.0.0.2").hop).is_fixed);
  EXPECT_FALSE(hop(route("10.1.0.3").hop).is_fixed);
  NextHopTable fixed(ports_, {{neighbour(1, "10.1.0.3", 3)}, {}});
  fixed.update(view_);
  EXPECT_TRUE(fixed.tables()->hops[fixed.tables()->view().route_to(ip("10.1.0.3")).hop.index].is_fixed);
}

TEST_F(NextHopTableTest, SaysWhomToAskForWhatIsNotResolved) {
  table_.update(view_);
  const Route silent = route("10.0.0.77");
  EXPECT_EQ(silent.kind, Kind::kUnresolved);
  EXPECT_EQ(silent.port, 0);
  EXPECT_EQ(silent.neighbour, ip("10.0.0.77"));
  const Route gateway = route("8.8.8.8");
  EXPECT_EQ(gateway.kind, Kind::kUnresolved);
  EXPECT_EQ(gateway.neighbour, ip("10.0.0.254"));
}

TEST_F(NextHopTableTest, AGatewaysIdOutlivesItsResolution) {
  table_.update(view_);
  const NextHopId before = route("8.8.8.8").hop;
  const uint16_t generation = table_.tables()->generation;
  view_.neighbours.push_back(neighbour(0, "10.0.0.254", 254));
  ASSERT_TRUE(table_.update(view_));
  const Route found = route("8.8.8.8");
  EXPECT_EQ(found.kind, Kind::kFound);
  EXPECT_EQ(found.hop, before);
  EXPECT_EQ(hop(found.hop).destination_mac, mac(254));
  EXPECT_EQ(table_.tables()->generation, generation);
  view_.neighbours.pop_back();
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(route("8.8.8.8").kind, Kind::kUnresolved);
  EXPECT_FALSE(hop(before).resolved);
}

TEST_F(NextHopTableTest, GenerationGrowsWithRoutesOnly) {
  table_.update(view_);
  const uint16_t generation = table_.tables()->generation;
  view_.neighbours[0].mac = mac(42);
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(hop(route("10.0.0.2").hop).destination_mac, mac(42));
  EXPECT_EQ(table_.tables()->generation, generation);
  view_.routes.push_back(via(1, "172.16.0.0/12", "10.1.0.3"));
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(table_.tables()->generation, generation + 1);
  EXPECT_EQ(route("172.16.9.9").hop, route("10.1.0.3").hop);
}

TEST_F(NextHopTableTest, NothingNewChangesNothing) {
  ASSERT_TRUE(table_.update(view_));
  const auto tables = table_.tables();
  std::swap(view_.neighbours[0], view_.neighbours[1]);
  EXPECT_FALSE(table_.update(view_));
  EXPECT_EQ(table_.tables(), tables);
}

TEST_F(NextHopTableTest, LocalAddressIsTheOneOnTheNeighboursNetwork) {
  view_.neighbours.push_back(neighbour(0, "10.9.4.4", 9));
  view_.routes.push_back(on_link(0, "10.9.0.0/16"));
  view_.routes.push_back(on_link(0, "203.0.113.0/24"));
  view_.neighbours.push_back(neighbour(0, "203.0.113.5", 10));
  table_.update(view_);
  EXPECT_EQ(hop(route("10.9.4.4").hop).local_address, ip("10.9.0.1"));
  EXPECT_EQ(hop(route("10.0.0.2").hop).local_address, ip("10.0.0.1"));
  // On no network of the port: never a VIP's address while there is another.
  EXPECT_EQ(hop(route("203.0.113.5").hop).local_address, ip("10.0.0.1"));
}

TEST_F(NextHopTableTest, EveryPortHasItsOwnAddress) {
  table_.update(view_);
  EXPECT_EQ(table_.tables()->port_addresses[0].v4, ip("10.0.0.1"));
  EXPECT_EQ(table_.tables()->port_addresses[1].v4, ip("10.1.0.1"));
  EXPECT_EQ(table_.tables()->port_addresses[1].v6, ip("::"));
  view_.links[1] = link(1, {"10.1.0.7/24"}, 1400);
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(table_.tables()->port_addresses[1].v4, ip("10.1.0.7"));
}

TEST_F(NextHopTableTest, WithoutAKernelTheConfigurationSpeaks) {
  NextHopTable table(ports_, {{neighbour(0, "10.0.0.9", 9)}, {on_link(0, "10.0.0.0/24"), via(0, "0.0.0.0/0", "10.0.0.9")}});
  ASSERT_TRUE(table.update({}));
  const Route found = table.tables()->view().route_to(ip("8.8.8.8"));
  ASSERT_EQ(found.kind, Kind::kFound);
  const auto& hop = table.tables()->hops[found.hop.index];
  EXPECT_EQ(hop.destination_mac, mac(9));
  EXPECT_EQ(hop.local_address, ip("10.0.0.1"));
  EXPECT_EQ(hop.mtu, 1500);
  KernelView contradicting;
  contradicting.neighbours = {neighbour(0, "10.0.0.9", 66)};
  contradicting.routes = {via(1, "0.0.0.0/0", "10.1.0.1")};
  table.update(contradicting);
  const Route still = table.tables()->view().route_to(ip("8.8.8.8"));
  EXPECT_EQ(table.tables()->hops[still.hop.index].destination_mac, mac(9));
}

TEST_F(NextHopTableTest, LeavesOutWhatItCannotUse) {
  view_.routes.push_back(via(0, "10.77.0.0/16", "fe80::1"));
  view_.routes.push_back(on_link(7, "172.16.0.0/12"));
  view_.neighbours.push_back({0, *IpAddress::parse("10.0.0.40"), {}});
  view_.neighbours.push_back(neighbour(7, "10.7.0.1", 7));
  table_.update(view_);
  EXPECT_EQ(route("172.16.0.1").neighbour, ip("10.0.0.254"));
  EXPECT_EQ(route("10.77.0.1").neighbour, ip("10.0.0.254")) << "an IPv6 gateway";
  EXPECT_EQ(route("10.0.0.40").kind, Kind::kUnresolved);
  EXPECT_EQ(table_.left_out(), 0u);
}

TEST_F(NextHopTableTest, WithoutRoutesThereIsNoRoute) {
  table_.update({});
  EXPECT_EQ(route("10.0.0.2").kind, Kind::kNoRoute);
}

// Both families on both ports; the routers of either are link-local, and the same on both.
class NextHopTable6Test : public NextHopTableTest {
 protected:
  NextHopTable6Test() {
    view_.links = {link(0, {"10.0.0.1/24", "2001:db8::aa/128", "2001:db8::1/64", "2001:db8:9::1/64", "fe80::1/64"}),
                   link(1, {"fe80::2/64", "2001:db8:1::1/64"}, 1400)};
    view_.routes = {on_link(0, "10.0.0.0/24"),      on_link(0, "2001:db8::/64"),
                    on_link(0, "2001:db8:9::/64"),  on_link(1, "2001:db8:1::/64"),
                    via(0, "::/0", "fe80::fe"),     via(1, "2001:db8:77::/48", "fe80::fe")};
    view_.neighbours = {neighbour(0, "10.0.0.2", 2), neighbour(0, "2001:db8::2", 12), neighbour(1, "fe80::fe", 14)};
  }
};

TEST_F(NextHopTable6Test, FindsIpv6NeighboursBesideIpv4Ones) {
  ASSERT_TRUE(table_.update(view_));
  const Route found = route("2001:db8::2");
  ASSERT_EQ(found.kind, Kind::kFound);
  EXPECT_EQ(hop(found.hop).destination_mac, mac(12));
  EXPECT_EQ(hop(found.hop).source_mac, mac(100));
  EXPECT_EQ(hop(found.hop).local_address, ip("2001:db8::1"));
  EXPECT_EQ(hop(found.hop).address, ip("2001:db8::2"));
  EXPECT_EQ(hop(route("10.0.0.2").hop).destination_mac, mac(2));
  const Route silent = route("2001:db8::77");
  EXPECT_EQ(silent.kind, Kind::kUnresolved);
  EXPECT_EQ(silent.neighbour, ip("2001:db8::77"));
  EXPECT_EQ(route("192.0.2.1").kind, Kind::kNoRoute) << "::/0 is none of IPv4's";
}

TEST_F(NextHopTable6Test, ALinkLocalGatewayIsAnotherOneOnEveryPort) {
  table_.update(view_);
  const Route far = route("2001:db8:77::1");
  ASSERT_EQ(far.kind, Kind::kFound);
  EXPECT_EQ(hop(far.hop).destination_mac, mac(14));
  EXPECT_EQ(hop(far.hop).port, 1);
  const Route elsewhere = route("2001:4860::8");
  EXPECT_EQ(elsewhere.kind, Kind::kUnresolved);
  EXPECT_EQ(elsewhere.port, 0);
  EXPECT_EQ(elsewhere.neighbour, ip("fe80::fe"));
}

TEST_F(NextHopTable6Test, AGlobalAddressSpeaksToALinkLocalGateway) {
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:db8:77::1").hop).local_address, ip("2001:db8:1::1"));
  EXPECT_EQ(table_.tables()->port_addresses[1].v6, ip("2001:db8:1::1"));
  // One that is a network by itself only where there is no other, and rather than a link-local one.
  EXPECT_EQ(table_.tables()->port_addresses[0].v6, ip("2001:db8::1"));
  view_.links[1] = link(1, {"fe80::2/64", "2001:db8::ab/128"}, 1400);
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:db8:77::1").hop).local_address, ip("2001:db8::ab"));
  view_.links[1] = link(1, {"10.1.0.1/24", "fe80::2/64"}, 1400);
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:db8:77::1").hop).local_address, ip("fe80::2"));
  EXPECT_EQ(table_.tables()->port_addresses[1], (dataplane::PortAddresses{ip("10.1.0.1"), ip("fe80::2")}));
  view_.links[1] = link(1, {"10.1.0.1/24"}, 1400);
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:db8:77::1").hop).local_address, ip("::")) << "none of the other family";
}

TEST_F(NextHopTable6Test, LocalAddressIsTheOneOnTheNeighboursNetworkOrTheRoutes) {
  view_.neighbours.push_back(neighbour(0, "2001:db8:9::9", 9));
  view_.routes[4].source = ip("2001:db8:9::1");
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:db8:9::9").hop).local_address, ip("2001:db8:9::1"));
  view_.neighbours.push_back(neighbour(0, "fe80::fe", 15));
  table_.update(view_);
  EXPECT_EQ(hop(route("2001:4860::8").hop).local_address, ip("2001:db8:9::1"));
}

TEST_F(NextHopTable6Test, GenerationGrowsWithIpv6RoutesToo) {
  table_.update(view_);
  const uint16_t generation = table_.tables()->generation;
  EXPECT_FALSE(table_.update(view_));
  view_.neighbours[1].mac = mac(42);
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(table_.tables()->generation, generation);
  view_.routes.push_back(via(1, "2001:db8:78::/48", "fe80::fe"));
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(table_.tables()->generation, generation + 1);
}

TEST_F(NextHopTable6Test, ConfiguredAddressesOfAFamilyStandInWhileTheKernelHasNone) {
  ports_[0].addresses.push_back(*InterfaceAddress::parse("2001:db8:5::1/64"));
  NextHopTable table(ports_, {});
  view_.links[0] = link(0, {"10.0.0.9/24"});
  table.update(view_);
  EXPECT_EQ(table.tables()->port_addresses[0], (dataplane::PortAddresses{ip("10.0.0.9"), ip("2001:db8:5::1")}));
}

TEST(NextHopIds, AreReusedOnlyWhenNoneIsLeft) {
  NextHopIds ids;
  std::vector<NeighbourKey> wanted;
  for (uint32_t i = 0; i < 65534; ++i) wanted.push_back({0, nth_v4(i + 1)});
  EXPECT_FALSE(ids.assign(wanted));
  EXPECT_EQ(ids.id_of(wanted.back()).index, 65533);

  // All in use: the newcomer gets none.
  const NeighbourKey newcomer{1, nth_v4(1)};
  wanted.push_back(newcomer);
  EXPECT_FALSE(ids.assign(wanted));
  EXPECT_EQ(ids.id_of(newcomer), kNoNextHop);

  // One is not wanted any more: its id gets another meaning, which is told; all others keep theirs.
  const NeighbourKey gone = wanted.front();
  const NextHopId id = ids.id_of(gone);
  wanted.erase(wanted.begin());
  EXPECT_TRUE(ids.assign(wanted));
  EXPECT_EQ(ids.id_of(newcomer), id);
  EXPECT_EQ(ids.id_of(gone), kNoNextHop);
  EXPECT_EQ(ids.id_of(wanted[5]).index, 6);
}

TEST(NextHopIds, AnUnwantedNeighbourKeepsItsIdWhileOthersAreLeft) {
  NextHopIds ids;
  const NeighbourKey a{0, nth_v4(1)};
  const NeighbourKey b{0, nth_v4(2)};
  ids.assign({a});
  ids.assign({b});
  EXPECT_EQ(ids.id_of(a).index, 0);
  EXPECT_EQ(ids.id_of(b).index, 1);
}

}  // namespace
}  // namespace shunt::control
