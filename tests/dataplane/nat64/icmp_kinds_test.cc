#include "dataplane/nat64/icmp_kinds.h"

#include <gtest/gtest.h>

#include <vector>

namespace shunt::dataplane {
namespace {

struct Kind {
  uint8_t type;
  uint8_t code;
  uint32_t rest = 0;
};

void expect_same(const std::optional<IcmpHeader>& got, const Kind& wanted) {
  ASSERT_TRUE(got);
  EXPECT_EQ(got->type, wanted.type);
  EXPECT_EQ(got->code, wanted.code);
  EXPECT_EQ(got->rest.host(), wanted.rest);
  EXPECT_EQ(got->checksum.raw, 0);
}
IcmpHeader header(const Kind& kind) { return {kind.type, kind.code, {}, Be32::from_host(kind.rest)}; }

// RFC 7915 section 4.2.
TEST(IcmpKinds, Icmpv4ErrorsInIcmpv6) {
  const std::vector<std::pair<Kind, Kind>> table = {
      {{3, 0}, {1, 0}},  {{3, 1}, {1, 0}},  {{3, 2}, {4, 1, 6}}, {{3, 3}, {1, 4}},  {{3, 5}, {1, 0}},  {{3, 6}, {1, 0}},
      {{3, 7}, {1, 0}},  {{3, 8}, {1, 0}},  {{3, 9}, {1, 1}},    {{3, 10}, {1, 1}}, {{3, 11}, {1, 0}}, {{3, 12}, {1, 0}},
      {{3, 13}, {1, 1}}, {{3, 15}, {1, 1}}, {{11, 0}, {3, 0}},   {{11, 1}, {3, 1}}, {{3, 4, 1400}, {2, 0, 1420}},
      {{3, 4, 576}, {2, 0, 1280}},          // the least of IPv6
      {{3, 4, 0xabcd0600}, {2, 0, 1556}},   // the upper half is no part of it
  };
  for (const auto& [v4, v6] : table) {
    SCOPED_TRACE(testing::Message() << int{v4.type} << "/" << int{v4.code} << " " << v4.rest);
    expect_same(as_icmpv6(header(v4)), v6);
  }
}

TEST(IcmpKinds, Icmpv4ErrorsThatIcmpv6HasNot) {
  for (const Kind& kind : {Kind{3, 14}, Kind{3, 16}, Kind{3, 255}, Kind{4, 0}, Kind{5, 0}, Kind{12, 1}, Kind{0, 0}, Kind{8, 0}}) {
    EXPECT_FALSE(as_icmpv6(header(kind))) << int{kind.type} << "/" << int{kind.code};
  }
}

// RFC 7915 section 5.2.
TEST(IcmpKinds, Icmpv6ErrorsInIcmpv4) {
  const std::vector<std::pair<Kind, Kind>> table = {
      {{1, 0}, {3, 1}}, {{1, 1}, {3, 10}}, {{1, 2}, {3, 1}},     {{1, 3}, {3, 1}},
      {{1, 4}, {3, 3}}, {{3, 0}, {11, 0}}, {{3, 1}, {11, 1}},    {{4, 1, 40}, {3, 2}},
      {{2, 0, 1500}, {3, 4, 1480}},        {{2, 0, 1280}, {3, 4, 1260}},
      {{2, 0, 0xffffffff}, {3, 4, 65515}},  // sixteen bits are all that there is
      {{2, 0, 3}, {3, 4, 0}},
  };
  for (const auto& [v6, v4] : table) {
    SCOPED_TRACE(testing::Message() << int{v6.type} << "/" << int{v6.code} << " " << v6.rest);
    expect_same(as_icmpv4(header(v6)), v4);
  }
}

TEST(IcmpKinds, PlacesInAnIpv6Header) {
  const std::vector<std::pair<uint32_t, uint8_t>> places = {{0, 0}, {1, 1}, {4, 2},   {5, 2},   {6, 9},  {7, 8},
                                                            {8, 12}, {23, 12}, {24, 16}, {39, 16}};
  for (const auto& [v6, v4] : places) {
    SCOPED_TRACE(v6);
    expect_same(as_icmpv4(header({4, 0, v6})), {12, 0, uint32_t{v4} << 24});
  }
  for (const uint32_t none : {2u, 3u, 40u, 0xffffffffu}) EXPECT_FALSE(as_icmpv4(header({4, 0, none}))) << none;
}

TEST(IcmpKinds, Icmpv6ErrorsThatIcmpv4HasNot) {
  for (const Kind& kind : {Kind{1, 5}, Kind{1, 6}, Kind{4, 2}, Kind{0, 0}, Kind{100, 0}, Kind{127, 0}}) {
    EXPECT_FALSE(as_icmpv4(header(kind))) << int{kind.type} << "/" << int{kind.code};
  }
}

}  // namespace
}  // namespace shunt::dataplane
