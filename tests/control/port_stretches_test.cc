#include "control/port_stretches.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace shunt::control {
namespace {

using dataplane::PortStretch;

// "0:- 1000:1 2000:-": where each begins, and whose it is.
std::string text(const std::vector<PortStretch>& stretches) {
  std::string result;
  for (const PortStretch& each : stretches) {
    const std::string owner = each.service == PortStretch::kNobody ? "-" : std::to_string(each.service);
    result += (result.empty() ? "" : " ") + std::to_string(each.first) + ":" + owner;
  }
  return result;
}

TEST(PortStretches, ARangeHasNobodyBesideIt) {
  EXPECT_EQ(text(stretches_of({{{1000, 1999}, 1}})), "0:- 1000:1 2000:-");
  EXPECT_EQ(text(stretches_of({{{0, 9}, 1}})), "0:1 10:-");
  EXPECT_EQ(text(stretches_of({{{60000, 65535}, 1}})), "0:- 60000:1");
  EXPECT_EQ(text(stretches_of({{kAllPorts, 1}})), "0:1");
}

TEST(PortStretches, TheNarrowestRangeHasThePort) {
  EXPECT_EQ(text(stretches_of({{kAllPorts, 0}, {{1000, 1999}, 1}, {{1500, 1599}, 2}})),
            "0:0 1000:1 1500:2 1600:1 2000:0");
  // In whichever order they come; sharing a beginning or an end; side by side.
  EXPECT_EQ(text(stretches_of({{{1500, 1999}, 2}, {{1000, 1099}, 3}, {{1000, 1999}, 1}, {{2000, 2009}, 4}})),
            "0:- 1000:3 1100:1 1500:2 2000:4 2010:-");
}

TEST(PortStretches, OneServicesRangesSideBySideAreOneStretch) {
  EXPECT_EQ(text(stretches_of({{{1000, 1499}, 1}, {{1500, 1999}, 1}})), "0:- 1000:1 2000:-");
}

TEST(PortStretches, SayForEveryPortWhatTheRangesSay) {
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<PortsOf> ranges;
    for (uint32_t i = 0; i < 1 + random() % 12; ++i) {
      const auto first = static_cast<uint16_t>(random() % 100);
      ranges.push_back({{first, static_cast<uint16_t>(first + random() % 40)}, i});
    }
    const auto stretches = stretches_of(ranges);
    ASSERT_EQ(stretches.front().first, 0);
    for (uint32_t port = 0; port < 150; ++port) {
      uint32_t expected = PortStretch::kNobody;
      int width = 1 << 20;
      for (const PortsOf& each : ranges) {
        const int own = each.ports.last - each.ports.first;
        if (port < each.ports.first || port > each.ports.last || own >= width) continue;
        width = own;
        expected = each.service;
      }
      uint32_t found = PortStretch::kNobody;
      for (const PortStretch& each : stretches) {
        if (each.first <= port) found = each.service;
      }
      ASSERT_EQ(found, expected) << "port " << port << " of " << text(stretches);
    }
  }
}

}  // namespace
}  // namespace shunt::control
