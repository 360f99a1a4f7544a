#include "control/next_hop_table.h"

#include <gtest/gtest.h>

#include <random>

#include "control/route_intervals.h"

namespace shunt::control {
namespace {

using dataplane::kNoNextHop;
using dataplane::NextHopId;
using dataplane::Route;
using Kind = Route::Kind;

Be32 v4(const char* text) { return IpAddress::parse(text)->v4(); }
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
  Route route(const char* destination) const { return table_.tables()->view().route_to(v4(destination)); }
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
  EXPECT_EQ(hop(found.hop).local_address, v4("10.1.0.1"));
  EXPECT_EQ(hop(found.hop).address, v4("10.1.0.3"));
}

TEST_F(NextHopTableTest, SaysWhomToAskForWhatIsNotResolved) {
  table_.update(view_);
  const Route silent = route("10.0.0.77");
  EXPECT_EQ(silent.kind, Kind::kUnresolved);
  EXPECT_EQ(silent.port, 0);
  EXPECT_EQ(silent.neighbour, v4("10.0.0.77"));
  const Route gateway = route("8.8.8.8");
  EXPECT_EQ(gateway.kind, Kind::kUnresolved);
  EXPECT_EQ(gateway.neighbour, v4("10.0.0.254"));
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
  EXPECT_EQ(hop(route("10.9.4.4").hop).local_address, v4("10.9.0.1"));
  EXPECT_EQ(hop(route("10.0.0.2").hop).local_address, v4("10.0.0.1"));
  // On no network of the port: never a VIP's address while there is another.
  EXPECT_EQ(hop(route("203.0.113.5").hop).local_address, v4("10.0.0.1"));
}

TEST_F(NextHopTableTest, EveryPortHasItsOwnAddress) {
  table_.update(view_);
  EXPECT_EQ(table_.tables()->port_addresses[0], v4("10.0.0.1"));
  EXPECT_EQ(table_.tables()->port_addresses[1], v4("10.1.0.1"));
  view_.links[1] = link(1, {"10.1.0.7/24"}, 1400);
  ASSERT_TRUE(table_.update(view_));
  EXPECT_EQ(table_.tables()->port_addresses[1], v4("10.1.0.7"));
}

TEST_F(NextHopTableTest, WithoutAKernelTheConfigurationSpeaks) {
  NextHopTable table(ports_, {{neighbour(0, "10.0.0.9", 9)}, {on_link(0, "10.0.0.0/24"), via(0, "0.0.0.0/0", "10.0.0.9")}});
  ASSERT_TRUE(table.update({}));
  const Route found = table.tables()->view().route_to(v4("8.8.8.8"));
  ASSERT_EQ(found.kind, Kind::kFound);
  const auto& hop = table.tables()->hops[found.hop.index];
  EXPECT_EQ(hop.destination_mac, mac(9));
  EXPECT_EQ(hop.local_address, v4("10.0.0.1"));
  EXPECT_EQ(hop.mtu, 1500);
  KernelView contradicting;
  contradicting.neighbours = {neighbour(0, "10.0.0.9", 66)};
  contradicting.routes = {via(1, "0.0.0.0/0", "10.1.0.1")};
  table.update(contradicting);
  const Route still = table.tables()->view().route_to(v4("8.8.8.8"));
  EXPECT_EQ(table.tables()->hops[still.hop.index].destination_mac, mac(9));
}

TEST_F(NextHopTableTest, LeavesOutWhatItCannotUse) {
  view_.routes.push_back({*Prefix::parse("2001:db8::/32"), 0, {}, 0, {}});
  view_.routes.push_back(on_link(7, "172.16.0.0/12"));
  view_.neighbours.push_back({0, *IpAddress::parse("2001:db8::1"), mac(1)});
  view_.neighbours.push_back({0, *IpAddress::parse("10.0.0.40"), {}});
  view_.neighbours.push_back(neighbour(7, "10.7.0.1", 7));
  table_.update(view_);
  EXPECT_EQ(route("172.16.0.1").neighbour, v4("10.0.0.254"));
  EXPECT_EQ(route("10.0.0.40").kind, Kind::kUnresolved);
  EXPECT_EQ(table_.left_out(), 0u);
}

TEST_F(NextHopTableTest, WithoutRoutesThereIsNoRoute) {
  table_.update({});
  EXPECT_EQ(route("10.0.0.2").kind, Kind::kNoRoute);
}

TEST(NextHopIds, AreReusedOnlyWhenNoneIsLeft) {
  NextHopIds ids;
  std::vector<NeighbourKey> wanted;
  for (uint32_t i = 0; i < 65534; ++i) wanted.push_back({0, Be32::from_host(i + 1)});
  EXPECT_FALSE(ids.assign(wanted));
  EXPECT_EQ(ids.id_of(wanted.back()).index, 65533);

  // All in use: the newcomer gets none.
  const NeighbourKey newcomer{1, Be32::from_host(1)};
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
  const NeighbourKey a{0, Be32::from_host(1)};
  const NeighbourKey b{0, Be32::from_host(2)};
  ids.assign({a});
  ids.assign({b});
  EXPECT_EQ(ids.id_of(a).index, 0);
  EXPECT_EQ(ids.id_of(b).index, 1);
}

// The answer by looking at every route.
const RouteChoice* longest_match(const std::vector<RouteChoice>& routes, uint32_t destination) {
  const RouteChoice* best = nullptr;
  for (const RouteChoice& route : routes) {
    const uint32_t mask = route.length == 0 ? 0 : UINT32_MAX << (32 - route.length);
    if ((destination & mask) != route.network) continue;
    if (best == nullptr || route.length > best->length ||
        (route.length == best->length && route.metric < best->metric)) {
      best = &route;
    }
  }
  return best;
}

class RouteProperty : public testing::TestWithParam<uint32_t> {};

TEST_P(RouteProperty, FlattenedRoutesAnswerAsLongestPrefixMatchDoes) {
  std::mt19937 random(GetParam());
  std::vector<RouteChoice> routes;
  const uint32_t count = random() % 300;
  // Few networks and all lengths make nesting, duplicates and neighbours at the edges frequent.
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t length = static_cast<uint8_t>(random() % 33);
    const uint32_t mask = length == 0 ? 0 : UINT32_MAX << (32 - length);
    const uint32_t base = random() % 3 == 0 ? UINT32_MAX - random() % 600 : 0x0a000000u + random() % 2000;
    routes.push_back({base & mask, length, static_cast<uint32_t>(random() % 3),
                      NextHopId{static_cast<uint16_t>(random() % 9)}, static_cast<uint16_t>(random() % 2)});
  }
  NextHopTables tables;
  tables.routes = flatten(routes);
  for (size_t i = 1; i < tables.routes.size(); ++i) {
    ASSERT_LT(tables.routes[i - 1].first, tables.routes[i].first);
  }
  tables.hops.resize(9);
  for (auto& hop : tables.hops) hop.resolved = true;

  std::vector<uint32_t> probes = {0, 1, UINT32_MAX, UINT32_MAX - 1};
  for (const RouteChoice& route : routes) {
    const uint32_t last = route.length == 0 ? UINT32_MAX : route.network | ~(UINT32_MAX << (32 - route.length));
    for (const uint32_t probe : {route.network - 1, route.network, last, last + 1}) probes.push_back(probe);
  }
  for (int i = 0; i < 200; ++i) probes.push_back(random());
  for (const uint32_t probe : probes) {
    const RouteChoice* expected = longest_match(routes, probe);
    const Route found = tables.view().route_to(Be32::from_host(probe));
    if (expected == nullptr) {
      ASSERT_EQ(found.kind, Kind::kNoRoute) << probe;
    } else {
      ASSERT_EQ(found.kind, Kind::kFound) << probe;
      ASSERT_EQ(found.hop, expected->via) << probe;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RouteProperty, testing::Range(1u, 101u));

}  // namespace
}  // namespace shunt::control
