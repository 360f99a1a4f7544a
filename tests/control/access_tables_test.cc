#include "control/access_tables.h"

#include <gmock/gmock.h>

namespace shunt::control {
namespace {

Prefix prefix(const char* text) { return *Prefix::parse(text); }

Service service(const char* vip, Access access) {
  Service result;
  result.address = *IpAddress::parse(vip);
  result.access = std::move(access);
  return result;
}

DesiredState state_with(std::vector<Service> services) {
  DesiredState state;
  state.services = std::move(services);
  state.access_lists = {{"abusers", {prefix("10.0.0.0/8"), prefix("2001:db8::/32")}},
                        {"partners", {prefix("10.1.0.0/16"), prefix("2001:db8:1::/48")}}};
  return state;
}

Access named() { return {{}, {}, {"partners"}, {"abusers"}, Refusal::kDrop}; }

TEST(AccessTables, ServicesThatSayTheSameShareATable) {
  AccessTables tables;
  Access told = named();
  told.on_denied = Refusal::kReset;
  const DesiredState state = state_with({service("192.0.2.1", named()), service("192.0.2.2", told),
                                         service("2001:db8::1", named()), service("192.0.2.3", {{}, {prefix("10.0.0.0/8")}})});
  tables.replace({}, state);
  EXPECT_EQ(tables.of(state.services[0]), tables.of(state.services[1])) << "what a client is told is not the table's";
  EXPECT_NE(tables.of(state.services[0]), tables.of(state.services[2])) << "the other family";
  EXPECT_NE(tables.of(state.services[0]), tables.of(state.services[3]));
  EXPECT_EQ(tables.of(Service{}), nullptr);
  EXPECT_TRUE(tables.of(state.services[0])->table().denies(*IpAddress::parse("10.2.0.1")));
  EXPECT_FALSE(tables.of(state.services[0])->table().denies(*IpAddress::parse("10.1.0.1")));
  EXPECT_TRUE(tables.of(state.services[0])->table().denies(*IpAddress::parse("192.0.2.9"))) << "others, by the allow list";
  EXPECT_FALSE(tables.of(state.services[3])->table().denies(*IpAddress::parse("192.0.2.9")));
}

TEST(AccessTables, WhatDidNotChangeIsNotCompiledAgain) {
  AccessTables tables;
  const DesiredState before = state_with({service("192.0.2.1", named()), service("192.0.2.3", {{}, {prefix("10.0.0.0/8")}})});
  EXPECT_TRUE(tables.replace({}, before));
  const auto by_name = tables.of(before.services[0]);
  const auto own = tables.of(before.services[1]);
  EXPECT_FALSE(tables.replace(before, before));
  EXPECT_EQ(tables.of(before.services[0]), by_name);
  DesiredState after = before;
  after.access_lists[0].prefixes.push_back(prefix("172.16.0.0/12"));
  EXPECT_TRUE(tables.replace(before, after));
  EXPECT_NE(tables.of(after.services[0]), by_name);
  EXPECT_EQ(tables.of(after.services[1]), own) << "it names no list";
  EXPECT_EQ(tables.of(after.services[0])->denied(), 2u);
}

struct DecisionCase {
  const char* name;
  Access access;
  const char* client;
  const char* text;
};

class AccessDecisions : public testing::TestWithParam<DecisionCase> {};

TEST_P(AccessDecisions, NameThePrefix) {
  const auto& [name, access, client, text] = GetParam();
  const DesiredState state = state_with({});
  const AccessDecision decision = decide(access, state, *IpAddress::parse(client));
  EXPECT_EQ(text_of(decision), text);
  const AccessTableMemory memory(rules_of(access, state), IpAddress::parse(client)->family);
  EXPECT_EQ(memory.table().denies(*IpAddress::parse(client)), decision.denied) << "workers say so, too";
}

INSTANTIATE_TEST_SUITE_P(
    , AccessDecisions,
    testing::Values(
        DecisionCase{"OfAList", named(), "10.2.0.1", "denied by 10.0.0.0/8 of access list abusers"},
        DecisionCase{"TheLongest", named(), "10.1.0.1", "allowed by 10.1.0.0/16 of access list partners"},
        DecisionCase{"TheLongestOfIpv6", named(), "2001:db8:1::5", "allowed by 2001:db8:1::/48 of access list partners"},
        DecisionCase{"NoneAndSomethingToAllow", named(), "192.0.2.9", "denied: no prefix to allow holds the client's address"},
        DecisionCase{"NoneAndNothingToAllow", {{}, {}, {}, {"abusers"}}, "192.0.2.9", "allowed: no prefix holds the client's address"},
        DecisionCase{"OfTheService", {{}, {prefix("192.0.2.0/24")}}, "192.0.2.9", "denied by 192.0.2.0/24 of the service's access"},
        DecisionCase{"TheRest", {{prefix("0.0.0.0/0")}, {prefix("192.0.2.0/24")}}, "198.51.100.1",
                     "allowed by 0.0.0.0/0 of the service's access"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace shunt::control
