#include "control/match_table_builder.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "tests/support/packet_builder.h"

namespace shunt::control {
namespace {

using dataplane::IpFlow;
using dataplane::MatchTable;
using test::ip;

Prefix prefix(const std::string& text) { return *Prefix::parse(text); }

IpFlow flow(const std::string& client, const std::string& vip, uint16_t port, uint8_t protocol = 6) {
  return {ip(client), ip(vip), Be16::from_host(40000), Be16::from_host(port), protocol};
}

// What a rule says, word for word.
bool fits(const MatchRule& rule, const IpFlow& packet, uint16_t in_port) {
  const auto holds = [](const std::vector<Prefix>& prefixes, const IpAddress& address) {
    return prefixes.empty() ||
           std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& each) { return each.contains(address); });
  };
  const uint16_t port = packet.destination_port.host();
  return packet.protocol == static_cast<uint8_t>(rule.protocol) && packet.source.family == rule.family &&
         holds(rule.clients, packet.source) && holds(rule.vips, packet.destination) && rule.ports.first <= port &&
         port <= rule.ports.last && (!rule.in_port || *rule.in_port == in_port);
}

TEST(MatchTable, WithoutRulesIsEmptyAndSaysNo) {
  const MatchTableMemory memory({});
  EXPECT_TRUE(memory.table().empty());
  EXPECT_FALSE(memory.table().is_vip(ip("192.0.2.1")));
  EXPECT_EQ(memory.table().find(flow("198.51.100.1", "192.0.2.1", 80), 0), MatchTable::kNone);
}

TEST(MatchTable, EveryQuestionCounts) {
  const std::vector<MatchRule> rules{
      {Protocol::kTcp, AddressFamily::kIpv4, {prefix("10.0.0.0/8")}, {prefix("192.0.2.0/24")}, {80, 89}, 1, 7}};
  const MatchTableMemory memory(rules);
  const MatchTable& table = memory.table();
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.2.255", 89), 1), 0u);
  EXPECT_EQ(table.services[0], 7u);
  EXPECT_EQ(table.find(flow("11.0.0.0", "192.0.2.255", 89), 1), MatchTable::kNone) << "another client";
  EXPECT_EQ(table.find(flow("9.255.255.255", "192.0.2.255", 89), 1), MatchTable::kNone) << "another client";
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.3.0", 89), 1), MatchTable::kNone) << "another VIP";
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.2.0", 79), 1), MatchTable::kNone) << "another port";
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.2.0", 90), 1), MatchTable::kNone) << "another port";
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.2.0", 80, 17), 1), MatchTable::kNone) << "another protocol";
  EXPECT_EQ(table.find(flow("10.1.2.3", "192.0.2.0", 80), 0), MatchTable::kNone) << "in by another port";
  EXPECT_EQ(table.find(flow("2001:db8::1", "2001:db8::2", 80), 1), MatchTable::kNone) << "another family";
}

TEST(MatchTable, TheFirstRuleThatFitsWins) {
  std::vector<MatchRule> rules;
  // More than a word of them.
  for (uint32_t i = 0; i < 130; ++i) {
    rules.push_back({Protocol::kTcp, AddressFamily::kIpv6, {}, {prefix("2001:db8::/32")}, {}, {}, i});
    rules.back().ports = {static_cast<uint16_t>(1000 - i), static_cast<uint16_t>(1000 + i)};
  }
  const MatchTableMemory memory(rules);
  for (uint32_t i = 0; i < 130; ++i) {
    const auto low = static_cast<uint16_t>(1000 - i);
    EXPECT_EQ(memory.table().find(flow("2001:db8:1::1", "2001:db8::1", low), 0), i);
  }
  EXPECT_EQ(memory.table().find(flow("2001:db8:1::1", "2001:db8::1", 1130), 0), MatchTable::kNone);
}

TEST(MatchTable, WholeAndSingleAddressesAreBothEnds) {
  for (const auto& [all, low, high] : {std::tuple("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
                                       std::tuple("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")}) {
    const AddressFamily family = prefix(all).address.family;
    const std::vector<MatchRule> rules{{Protocol::kUdp, family, {prefix(low)}, {prefix(high)}, kAllPorts, {}, 0},
                                       {Protocol::kUdp, family, {prefix(all)}, {prefix(low)}, kAllPorts, {}, 0},
                                       {Protocol::kUdp, family, {}, {}, kAllPorts, {}, 0}};
    const MatchTableMemory memory(rules);
    EXPECT_EQ(memory.table().find(flow(low, high, 0, 17), 31), 0u);
    EXPECT_EQ(memory.table().find(flow(high, low, 65535, 17), 0), 1u);
    EXPECT_EQ(memory.table().find(flow(high, high, 65535, 17), 0), 2u);
    EXPECT_TRUE(memory.table().is_vip(ip(high)));
    EXPECT_TRUE(memory.table().is_vip(ip(low)));
    EXPECT_FALSE(memory.table().is_vip(family == AddressFamily::kIpv4 ? ip("10.0.0.1") : ip("2001:db8::1")))
        << "a rule without VIPs names none";
  }
}

// Rules and packets by chance, from so few values that most packets fit several rules or miss one by little.
TEST(MatchTable, SaysWhatTheRulesSay) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const bool v6 = round % 2 == 1;
    const auto address = [&] {
      const std::string bytes = std::to_string(random() % 4 + 14);
      return v6 ? ip("2001:db8::" + bytes) : ip("10.0.0." + bytes);
    };
    const auto prefixes = [&] {
      std::vector<Prefix> list;
      for (uint32_t i = random() % 3; i > 0; --i) {
        const uint32_t length = (v6 ? 128u : 32u) - random() % 6;
        list.push_back(prefix(address().to_string() + "/" + std::to_string(length)));
      }
      return list;
    };
    std::vector<MatchRule> rules;
    for (uint32_t i = 0; i < 1 + random() % 100; ++i) {
      MatchRule rule;
      rule.protocol = random() % 2 ? Protocol::kTcp : Protocol::kUdp;
      rule.family = v6 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
      rule.clients = prefixes();
      rule.vips = prefixes();
      const auto first = static_cast<uint16_t>(random() % 8);
      if (random() % 2) rule.ports = {first, static_cast<uint16_t>(first + random() % 4)};
      if (random() % 3 == 0) rule.in_port = static_cast<uint16_t>(random() % 3);
      rule.service = i;
      rules.push_back(rule);
    }
    const MatchTableMemory memory(rules);
    for (int i = 0; i < 300; ++i) {
      const IpFlow packet{address(),
                          address(),
                          {},
                          Be16::from_host(static_cast<uint16_t>(random() % 12)),
                          static_cast<uint8_t>(random() % 2 ? 6 : 17)};
      const auto in_port = static_cast<uint16_t>(random() % 3);
      const auto first =
          std::find_if(rules.begin(), rules.end(), [&](const MatchRule& rule) { return fits(rule, packet, in_port); });
      const uint32_t expected = first == rules.end() ? MatchTable::kNone : static_cast<uint32_t>(first - rules.begin());
      ASSERT_EQ(memory.table().find(packet, in_port), expected);
    }
  }
}

}  // namespace
}  // namespace shunt::control
