// Flattened routes, searched as the workers do.
#include "control/route_intervals.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "control/next_hop_table.h"

namespace shunt::control {
namespace {

using dataplane::NextHopId;
using dataplane::Route;
using Kind = Route::Kind;

// What differs between the families when routes are looked at as numbers.
struct V4 {
  using Number = dataplane::Number4;
  static constexpr int kBits = 32;
  static IpAddress address(Number number) { return IpAddress::from_v4(Be32::from_host(number)); }
  static auto& routes_of(NextHopTables& tables) { return tables.routes; }
};
struct V6 {
  using Number = dataplane::Number6;
  static constexpr int kBits = 128;
  static IpAddress address(Number number) {
    std::array<uint8_t, 16> bytes;
    for (int i = 15; i >= 0; --i, number >>= 8) bytes[i] = static_cast<uint8_t>(number);
    return IpAddress::from_v6(bytes.data());
  }
  static auto& routes_of(NextHopTables& tables) { return tables.routes6; }
};

template <typename Family>
class RouteProperty : public testing::Test {
 protected:
  using Number = typename Family::Number;
  using Choice = BasicRouteChoice<Number>;
  static constexpr Number kEnd = ~Number{0};

  static Number mask_of(uint8_t length) { return length == 0 ? 0 : kEnd << (Family::kBits - length); }
  // The answer by looking at every route.
  static const Choice* longest_match(const std::vector<Choice>& routes, Number destination) {
    const Choice* best = nullptr;
    for (const Choice& route : routes) {
      if ((destination & mask_of(route.length)) != route.network) continue;
      if (best == nullptr || route.length > best->length ||
          (route.length == best->length && route.metric < best->metric)) {
        best = &route;
      }
    }
    return best;
  }
  // Few networks and all lengths make nesting, duplicates and neighbours at the edges frequent.
  std::vector<Choice> some_routes() {
    std::vector<Choice> routes;
    const uint32_t count = random_() % 300;
    for (uint32_t i = 0; i < count; ++i) {
      const auto length = static_cast<uint8_t>(random_() % (Family::kBits + 1));
      const Number base = random_() % 3 == 0 ? kEnd - random_() % 600
                                             : (Number{0x0a} << (Family::kBits - 8)) + random_() % 2000;
      routes.push_back({base & mask_of(length), length, static_cast<uint32_t>(random_() % 3),
                        NextHopId{static_cast<uint16_t>(random_() % 9)}, static_cast<uint16_t>(random_() % 2)});
    }
    return routes;
  }
  // The edges of every route, from both sides, and the first and last addresses of all.
  std::vector<Number> edges_of(const std::vector<Choice>& routes) {
    std::vector<Number> probes = {0, 1, kEnd, kEnd - 1};
    for (const Choice& route : routes) {
      const Number last = route.network | ~mask_of(route.length);
      for (const Number probe : {route.network - 1, route.network, last, last + 1}) probes.push_back(probe);
    }
    for (int i = 0; i < 200; ++i) probes.push_back(static_cast<Number>(random_()) << (Family::kBits - 32));
    return probes;
  }

  static NextHopTables tables_of(const std::vector<Choice>& routes) {
    NextHopTables tables;
    Family::routes_of(tables) = flatten(routes);
    tables.hops.resize(9);
    for (auto& hop : tables.hops) hop.resolved = true;
    return tables;
  }
  static void expect_longest_match(const NextHopTables& tables, const std::vector<Choice>& routes, Number destination) {
    const Choice* expected = longest_match(routes, destination);
    const IpAddress address = Family::address(destination);
    const Route found = tables.view().route_to(address);
    if (expected == nullptr) {
      ASSERT_EQ(found.kind, Kind::kNoRoute) << address.to_string();
    } else {
      ASSERT_EQ(found.kind, Kind::kFound) << address.to_string();
      ASSERT_EQ(found.hop, expected->via) << address.to_string();
    }
  }

  std::mt19937 random_;
};
using Families = testing::Types<V4, V6>;
TYPED_TEST_SUITE(RouteProperty, Families);

TYPED_TEST(RouteProperty, FlattenedRoutesAnswerAsLongestPrefixMatchDoes) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    this->random_.seed(seed);
    const auto routes = this->some_routes();
    NextHopTables tables = this->tables_of(routes);
    const auto& intervals = TypeParam::routes_of(tables);
    for (size_t i = 1; i < intervals.size(); ++i) ASSERT_TRUE(intervals[i - 1].first < intervals[i].first);
    for (const auto probe : this->edges_of(routes)) {
      this->expect_longest_match(tables, routes, probe);
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(RouteProperty, TheFirstAndTheLastAddressMayHaveRoutesOfTheirOwn) {
  constexpr auto kLast = TestFixture::kEnd;
  const std::vector<BasicRouteChoice<typename TypeParam::Number>> routes = {
      {0, 0, 0, NextHopId{1}, 0},
      {0, TypeParam::kBits, 0, NextHopId{2}, 0},
      {kLast, TypeParam::kBits, 0, NextHopId{3}, 0}};
  NextHopTables tables = this->tables_of(routes);
  const auto via = [&](typename TypeParam::Number number) {
    return tables.view().route_to(TypeParam::address(number)).hop.index;
  };
  EXPECT_EQ(via(0), 2);
  EXPECT_EQ(via(1), 1);
  EXPECT_EQ(via(kLast - 1), 1);
  EXPECT_EQ(via(kLast), 3);
  EXPECT_EQ(TypeParam::routes_of(tables).size(), 3u);
}

}  // namespace
}  // namespace shunt::control
