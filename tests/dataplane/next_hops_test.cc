#include "dataplane/next_hops.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;
using test::v4;

NextHop hop_to(const char* address, uint16_t port, bool resolved) {
  return {{{}, {}, port, 1500}, {}, ip(address), resolved};
}

// Hops 0 to 3 are of IPv4, 4 to 7 of IPv6, with the same part each: a gateway on port 0, a neighbour on port 1, one
// there that did not answer yet, a gateway that did not.
class NextHopsTest : public testing::Test {
 protected:
  NextHopsTest() {
    hops = {hop_to("198.18.0.1", 0, true), hop_to("10.0.0.1", 1, true),      hop_to("10.0.0.2", 1, false),
            hop_to("198.18.0.2", 0, false), hop_to("fe80::1", 0, true),       hop_to("2001:db8:1::1", 1, true),
            hop_to("2001:db8:1::2", 1, false), hop_to("fe80::2", 0, false)};
    // 10.0.0.0/24 on link, 10.8.0.0/16 via the silent gateway, 10.9.0.0/16 unreachable, all else via the gateway.
    routes = {{0, NextHopId{0}, 0},
              {v4("10.0.0.0").host(), kOnLink, 1},
              {v4("10.0.1.0").host(), NextHopId{0}, 0},
              {v4("10.8.0.0").host(), NextHopId{3}, 0},
              {v4("10.9.0.0").host(), kNoNextHop, 0},
              {v4("10.10.0.0").host(), NextHopId{0}, 0}};
    // 2001:db8:1::/64, 2001:db8:8::/48 and 2001:db8:9::/48 in their places.
    routes6 = {{0, NextHopId{4}, 0},
               {number6_of(ip("2001:db8:1::")), kOnLink, 1},
               {number6_of(ip("2001:db8:1:1::")), NextHopId{4}, 0},
               {number6_of(ip("2001:db8:8::")), NextHopId{7}, 0},
               {number6_of(ip("2001:db8:9::")), kNoNextHop, 0},
               {number6_of(ip("2001:db8:a::")), NextHopId{4}, 0}};
    neighbours.resize(16);
    for (const uint16_t hop : {1, 2, 5, 6}) add(hops[hop].address, hops[hop].port, NextHopId{hop});
    table = {hops, routes, routes6, neighbours, 1};
  }

  void add(const IpAddress& address, uint16_t port, NextHopId hop) {
    size_t at = neighbour_hash(address, port) % neighbours.size();
    while (neighbours[at].hop != kNoNextHop) at = (at + 1) % neighbours.size();
    neighbours[at] = {address, port, hop};
  }

  std::vector<NextHop> hops;
  std::vector<RouteInterval> routes;
  std::vector<RouteInterval6> routes6;
  std::vector<NeighbourSlot> neighbours;
  NextHops table;
};

TEST_F(NextHopsTest, GatewayServesWhatNoOtherRouteDoes) {
  for (const char* address :
       {"0.0.0.1", "9.255.255.255", "10.0.1.0", "10.7.255.255", "10.10.0.0", "255.255.255.255"}) {
    const Route route = table.route_to(ip(address));
    EXPECT_EQ(route.kind, Route::Kind::kFound) << address;
    EXPECT_EQ(route.hop, NextHopId{0}) << address;
    EXPECT_EQ(route.port, 0) << address;
  }
}

TEST_F(NextHopsTest, Ipv6GatewayServesWhatNoOtherRouteDoes) {
  for (const char* address : {"::", "::1", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:1:1::",
                              "2001:db8:7:ffff:ffff:ffff:ffff:ffff", "2001:db8:a::",
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    const Route route = table.route_to(ip(address));
    EXPECT_EQ(route.kind, Route::Kind::kFound) << address;
    EXPECT_EQ(route.hop, NextHopId{4}) << address;
    EXPECT_EQ(route.neighbour, ip("fe80::1")) << address;
    EXPECT_EQ(route.port, 0) << address;
  }
}

TEST_F(NextHopsTest, OnLinkDestinationIsItsOwnNeighbour) {
  for (const uint16_t hop : {1, 5}) {
    const Route route = table.route_to(hops[hop].address);
    EXPECT_EQ(route.kind, Route::Kind::kFound);
    EXPECT_EQ(route.hop, NextHopId{hop});
    EXPECT_EQ(route.port, 1);
  }
}

TEST_F(NextHopsTest, UnknownAndUnresolvedNeighboursAreToBeAskedFor) {
  for (const char* address : {"10.0.0.2", "10.0.0.0", "10.0.0.255", "2001:db8:1::2", "2001:db8:1::",
                              "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1:0:8000::1"}) {
    const Route route = table.route_to(ip(address));
    EXPECT_EQ(route.kind, Route::Kind::kUnresolved) << address;
    EXPECT_EQ(route.port, 1) << address;
    EXPECT_EQ(route.neighbour, ip(address)) << address;
  }
}

// Of IPv6 it has a link-local address as a rule, which only its port makes whole.
TEST_F(NextHopsTest, UnresolvedGatewayIsToBeAskedForItself) {
  for (const auto& [destination, gateway] : {std::pair{"10.8.1.2", "198.18.0.2"}, {"2001:db8:8::1", "fe80::2"},
                                             {"2001:db8:8:ffff:ffff:ffff:ffff:ffff", "fe80::2"}}) {
    const Route route = table.route_to(ip(destination));
    EXPECT_EQ(route.kind, Route::Kind::kUnresolved);
    EXPECT_EQ(route.port, 0);
    EXPECT_EQ(route.neighbour, ip(gateway));
  }
}

TEST_F(NextHopsTest, UnreachableIntervalsHaveNoRoute) {
  for (const char* address :
       {"10.9.0.0", "10.9.255.255", "2001:db8:9::", "2001:db8:9:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_EQ(table.route_to(ip(address)).kind, Route::Kind::kNoRoute) << address;
  }
}

TEST_F(NextHopsTest, NothingBeforeTheFirstIntervalAndNothingInAnEmptyTable) {
  routes.erase(routes.begin());
  routes6.erase(routes6.begin());
  table.routes = routes;
  table.routes6 = routes6;
  EXPECT_EQ(table.route_to(ip("9.255.255.255")).kind, Route::Kind::kNoRoute);
  EXPECT_EQ(table.route_to(ip("2001:db8:0:ffff:ffff:ffff:ffff:ffff")).kind, Route::Kind::kNoRoute);
  for (const char* address : {"10.0.0.1", "2001:db8:1::1"}) {
    EXPECT_EQ(NextHops{}.route_to(ip(address)).kind, Route::Kind::kNoRoute);
    table.neighbours = {};
    EXPECT_EQ(table.route_to(ip(address)).kind, Route::Kind::kUnresolved);
  }
}

// Intervals that begin in the lower half, at the first and at the last of all addresses.
TEST_F(NextHopsTest, Ipv6IntervalsMayBeginAtAnyAddress) {
  routes6 = {{0, kNoNextHop, 0},
             {number6_of(ip("::1")), NextHopId{4}, 0},
             {number6_of(ip("::2")), kNoNextHop, 0},
             {number6_of(ip("2001:db8::ffff:ffff:ffff:ffff")), NextHopId{4}, 0},
             {number6_of(ip("2001:db8:0:1::")), kNoNextHop, 0},
             {number6_of(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), NextHopId{4}, 0}};
  table.routes6 = routes6;
  for (const char* address : {"::1", "2001:db8::ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_EQ(table.route_to(ip(address)).kind, Route::Kind::kFound) << address;
  }
  for (const char* address : {"::", "::2", "2001:db8::ffff:ffff:ffff:fffe", "2001:db8:0:1::",
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"}) {
    EXPECT_EQ(table.route_to(ip(address)).kind, Route::Kind::kNoRoute) << address;
  }
}

TEST_F(NextHopsTest, EachFamilyHasItsOwnRoutes) {
  table.routes = {};
  EXPECT_EQ(table.route_to(ip("10.0.0.1")).kind, Route::Kind::kNoRoute);
  EXPECT_EQ(table.route_to(ip("2001:db8:1::1")).kind, Route::Kind::kFound);
  table.routes = routes;
  table.routes6 = {};
  EXPECT_EQ(table.route_to(ip("10.0.0.1")).kind, Route::Kind::kFound);
  EXPECT_EQ(table.route_to(ip("2001:db8:1::1")).kind, Route::Kind::kNoRoute);
}

TEST_F(NextHopsTest, SameAddressOnAnotherPortIsAnotherNeighbour) {
  neighbours.assign(16, {});
  add(ip("10.0.0.1"), 2, NextHopId{2});
  add(ip("2001:db8:1::1"), 2, NextHopId{2});
  EXPECT_EQ(table.route_to(ip("10.0.0.1")).kind, Route::Kind::kUnresolved);
  EXPECT_EQ(table.route_to(ip("2001:db8:1::1")).kind, Route::Kind::kUnresolved);
}

TEST_F(NextHopsTest, CollidingNeighboursAreAllFound) {
  const size_t before = hops.size();
  for (const char* address : {"10.0.0.10", "10.0.0.11", "2001:db8:1::10", "2001:db8:1::11"}) {
    hops.push_back(hop_to(address, 1, true));
    add(hops.back().address, 1, NextHopId{static_cast<uint16_t>(hops.size() - 1)});
  }
  table.hops = hops;
  for (size_t hop = before; hop < hops.size(); ++hop) {
    EXPECT_EQ(table.route_to(hops[hop].address).hop, NextHopId{static_cast<uint16_t>(hop)});
  }
}

}  // namespace
}  // namespace shunt::dataplane
