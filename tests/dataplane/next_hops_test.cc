#include "dataplane/next_hops.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;

// Routes: 0/0 via a gateway on port 0, 10.0.0.0/24 on link on port 1, 10.9.0.0/16
// unreachable, 10.8.0.0/16 via a gateway that did not answer ARP yet.
class NextHopsTest : public testing::Test {
 protected:
  NextHopsTest() {
    hops = {NextHop{.port = 0, .address = ip("198.18.0.1"), .resolved = true},
            NextHop{.port = 1, .address = ip("10.0.0.1"), .resolved = true},
            NextHop{.port = 1, .address = ip("10.0.0.2"), .resolved = false},
            NextHop{.port = 0, .address = ip("198.18.0.2"), .resolved = false}};
    routes = {{0, NextHopId{0}, 0},
              {ip("10.0.0.0").host(), kOnLink, 1},
              {ip("10.0.1.0").host(), NextHopId{0}, 0},
              {ip("10.8.0.0").host(), NextHopId{3}, 0},
              {ip("10.9.0.0").host(), kNoNextHop, 0},
              {ip("10.10.0.0").host(), NextHopId{0}, 0}};
    neighbours.resize(8);
    add(ip("10.0.0.1"), 1, NextHopId{1});
    add(ip("10.0.0.2"), 1, NextHopId{2});
    table = {hops, routes, neighbours, 1};
  }

  void add(Be32 address, uint16_t port, NextHopId hop) {
    size_t at = neighbour_hash(address, port) % neighbours.size();
    while (neighbours[at].address.raw != 0) at = (at + 1) % neighbours.size();
    neighbours[at] = {address, port, hop};
  }

  std::vector<NextHop> hops;
  std::vector<RouteInterval> routes;
  std::vector<NeighbourSlot> neighbours;
  NextHops table;
};

TEST_F(NextHopsTest, GatewayServesWhatNoOtherRouteDoes) {
  for (const char* address :
       {"0.0.0.1", "9.255.255.255", "10.0.1.0", "10.7.255.255", "10.10.0.0", "255.255.255.254"}) {
    const Route route = table.route_to(ip(address));
    EXPECT_EQ(route.kind, Route::Kind::kFound) << address;
    EXPECT_EQ(route.hop, NextHopId{0}) << address;
    EXPECT_EQ(route.port, 0) << address;
  }
}

TEST_F(NextHopsTest, OnLinkDestinationIsItsOwnNeighbour) {
  const Route route = table.route_to(ip("10.0.0.1"));
  EXPECT_EQ(route.kind, Route::Kind::kFound);
  EXPECT_EQ(route.hop, NextHopId{1});
  EXPECT_EQ(route.port, 1);
}

TEST_F(NextHopsTest, UnknownAndUnresolvedNeighboursAreToBeAskedFor) {
  for (const char* address : {"10.0.0.2", "10.0.0.0", "10.0.0.255"}) {
    const Route route = table.route_to(ip(address));
    EXPECT_EQ(route.kind, Route::Kind::kUnresolved) << address;
    EXPECT_EQ(route.port, 1) << address;
    EXPECT_EQ(route.neighbour, ip(address)) << address;
  }
}

TEST_F(NextHopsTest, UnresolvedGatewayIsToBeAskedForItself) {
  const Route route = table.route_to(ip("10.8.1.2"));
  EXPECT_EQ(route.kind, Route::Kind::kUnresolved);
  EXPECT_EQ(route.port, 0);
  EXPECT_EQ(route.neighbour, ip("198.18.0.2"));
}

TEST_F(NextHopsTest, UnreachableIntervalsHaveNoRoute) {
  EXPECT_EQ(table.route_to(ip("10.9.0.0")).kind, Route::Kind::kNoRoute);
  EXPECT_EQ(table.route_to(ip("10.9.255.255")).kind, Route::Kind::kNoRoute);
}

TEST_F(NextHopsTest, NothingBeforeTheFirstIntervalAndNothingInAnEmptyTable) {
  routes.erase(routes.begin());
  table.routes = routes;
  EXPECT_EQ(table.route_to(ip("9.255.255.255")).kind, Route::Kind::kNoRoute);
  EXPECT_EQ(NextHops{}.route_to(ip("10.0.0.1")).kind, Route::Kind::kNoRoute);
  table.neighbours = {};
  EXPECT_EQ(table.route_to(ip("10.0.0.1")).kind, Route::Kind::kUnresolved);
}

TEST_F(NextHopsTest, SameAddressOnAnotherPortIsAnotherNeighbour) {
  neighbours.assign(8, {});
  add(ip("10.0.0.1"), 2, NextHopId{2});
  EXPECT_EQ(table.route_to(ip("10.0.0.1")).kind, Route::Kind::kUnresolved);
}

TEST_F(NextHopsTest, CollidingNeighboursAreAllFound) {
  for (uint8_t last = 10; last < 12; ++last) {
    hops.push_back(
        NextHop{.port = 1, .address = ip("10.0.0." + std::to_string(last)), .resolved = true});
    add(hops.back().address, 1, NextHopId{static_cast<uint16_t>(hops.size() - 1)});
  }
  table.hops = hops;
  for (size_t hop = 4; hop < hops.size(); ++hop) {
    EXPECT_EQ(table.route_to(hops[hop].address).hop, NextHopId{static_cast<uint16_t>(hop)});
  }
}

}  // namespace
}  // namespace shunt::dataplane
