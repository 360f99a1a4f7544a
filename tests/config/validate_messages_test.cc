// What only a message can hold: values that the YAML decoder never lets through, and the limits on
// counts.
#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <chrono>

#include "config/convert.h"
#include "config/validate.h"
#include "dataplane/types.h"
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::Service* add_web(v1::DesiredState& state) {
  v1::Service* service = state.add_services();
  service->set_name("web");
  service->set_protocol(v1::PROTOCOL_TCP);
  service->set_address("203.0.113.10");
  service->set_port(80);
  return service;
}

std::string address(const char* network, int index) {
  return network + std::to_string(index / 250) + "." + std::to_string(index % 250 + 1);
}

// `services` services with `reals` reals each.
v1::DesiredState many(int services, int reals) {
  v1::DesiredState state;
  for (int i = 0; i < services; ++i) {
    v1::Service* service = add_web(state);
    service->set_name("web" + std::to_string(i));
    service->set_address(address("172.16.", i));
    for (int j = 0; j < reals; ++j) service->add_reals()->set_address(address("10.0.", j));
  }
  return state;
}

TEST(ValidateMessages, NothingIsAValidDesiredState) {
  EXPECT_THAT(validate_desired_state({}), IsEmpty());
}

TEST(ValidateMessages, ThePlaceIsTheFieldsPath) {
  v1::DesiredState state;
  add_web(state);
  v1::Service* second = add_web(state);
  second->set_name("dns");
  second->set_port(53);
  second->add_reals()->set_address("10.0.0.1");
  second->mutable_reals(0)->set_weight(90000);
  const auto problems = validate_desired_state(state);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].field, "services[1].reals[0].weight");
  EXPECT_EQ(problems[0].subject, "real 10.0.0.1:53 of service dns");
  EXPECT_EQ(to_string(problems[0], ""),
            "services[1].reals[0].weight: weight 90000 exceeds 65535; lower it or split the real");
}

TEST(ValidateMessages, AnEnumValueOfANewerSchemaIsUnsupported) {
  v1::DesiredState state;
  add_web(state)->set_scheduler(static_cast<v1::Scheduler>(99));
  state.mutable_services(0)->set_method(static_cast<v1::Method>(98));
  EXPECT_THAT(
      messages(validate_desired_state(state)),
      ElementsAre("UNSUPPORTED services[0].scheduler: scheduler 99 is not known to this version; "
                  "use rr, wrr, lc, wlc, mh, sed, nq, sh, dh, fo, ovf, twos, lblc, lblcr or conhash",
                  "UNSUPPORTED services[0].method: method 98 is not known to this version; "
                  "use direct, tunnel, nat or fullnat"));
}

TEST(ValidateMessages, WhatIsOfReportsAndRulesIsNoServices) {
  v1::DesiredState state;
  add_web(state)->set_protocol(v1::PROTOCOL_ICMP);
  state.mutable_services(0)->set_method(v1::METHOD_SNAT);
  EXPECT_THAT(messages(validate_desired_state(state)),
              ElementsAre("UNSUPPORTED services[0].protocol: protocol icmp is of rules of snat alone; use tcp, udp or sctp",
                          "UNSUPPORTED services[0].method: method snat is no service's; use direct, tunnel, nat or fullnat, "
                          "or write a rule under the top-level snat"));
}

TEST(ValidateMessages, AFieldOfANewerSchemaIsUnknown) {
  v1::DesiredState state;
  v1::Service* web = add_web(state);
  web->GetReflection()->MutableUnknownFields(web)->AddVarint(1000, 1);
  EXPECT_THAT(
      messages(validate_desired_state(state)),
      ElementsAre("UNKNOWN_FIELD services[0]: field number 1000 is not known to this version; "
                  "leave it out, or upgrade shuntd"));
}

TEST(ValidateMessages, ADurationIsInWholeMilliseconds) {
  v1::DesiredState state;
  state.mutable_timeouts()->mutable_udp()->set_nanos(1'500'000);
  state.mutable_timeouts()->mutable_tcp_close()->set_nanos(1'000'000'000);
  auto* mixed = state.mutable_timeouts()->mutable_tcp_none();
  mixed->set_seconds(1);
  mixed->set_nanos(-1'000'000);
  const std::string rest = " is not a whole number of milliseconds; use 1ms..24d";
  EXPECT_THAT(messages(validate_desired_state(state)),
              ElementsAre("MALFORMED timeouts.tcp_none: tcp_none" + rest,
                          "MALFORMED timeouts.tcp_close: tcp_close" + rest,
                          "MALFORMED timeouts.udp: udp" + rest));
}

TEST(ValidateMessages, AnEmptyLocalAddressIsRefused) {
  v1::DesiredState state;
  state.add_local_addresses()->set_name("pool");
  state.mutable_local_addresses(0)->add_addresses("");
  EXPECT_THAT(messages(validate_desired_state(state)),
              ElementsAre("REQUIRED local_addresses[0].addresses[0]: address is missing; give an "
                          "IPv4 or IPv6 address"));
}

TEST(ValidateMessages, AnEmptyExtraArgumentIsRefused) {
  v1::Config config;
  config.add_ports()->set_name("a");
  config.mutable_ports(0)->set_device("net_null0");
  config.mutable_dpdk()->add_extra_args("");
  EXPECT_THAT(
      messages(validate(config)),
      ElementsAre("MALFORMED dpdk.extra_args[0]: extra_args has an empty entry; remove it"));
}

TEST(ValidateMessages, TheMachinesNamesAreThoseOfItsPorts) {
  v1::Config config;
  for (const char* name : {"a", "b"}) {
    v1::Port* port = config.add_ports();
    port->set_name(name);
    port->set_device(std::string("net_null_") + name);
    port->mutable_kernel_port()->add_addresses(std::string("10.0.0.") +
                                               (*name == 'a' ? "1/24" : "2/24"));
  }
  config.mutable_ports(1)->mutable_kernel_port()->set_disabled(true);
  ASSERT_THAT(validate(config), IsEmpty());
  const MachineNames names = names_of(to_machine(config));
  EXPECT_THAT(names.ports, ElementsAre("a", "b"));
  EXPECT_THAT(names.kernel_ports, ElementsAre("a"));
  EXPECT_THAT(names.kernel_addresses, ElementsAre(*IpAddress::parse("10.0.0.1")));

  v1::DesiredState state;
  add_web(state)->set_vip_port("b");
  EXPECT_THAT(
      messages(validate_desired_state(state, names)),
      ElementsAre("UNKNOWN_REFERENCE services[0].vip_port: vip_port \"b\" has no kernel port; "
                  "name one with a kernel port: a"));
  EXPECT_THAT(validate_desired_state(state), IsEmpty());
}

// The daemon's API knows the machine by these, not by its file.
TEST(ValidateMessages, TheMachinesPortsDecideWhereIpv6MayBe) {
  v1::Config config;
  for (const char* name : {"z", "a"}) {
    v1::Port* port = config.add_ports();
    port->set_name(name);
    port->set_device(std::string("net_null_") + name);
  }
  config.mutable_ports(0)->set_mtu(1279);
  ASSERT_THAT(validate(config), IsEmpty());
  const MachineNames names = names_of(to_machine(config));
  EXPECT_EQ(names.first_kernel_port, "z");

  v1::DesiredState state;
  v1::Service* web = add_web(state);
  EXPECT_THAT(validate_desired_state(state, names), IsEmpty());
  web->set_address("2001:db8::10");
  EXPECT_THAT(
      messages(validate_desired_state(state, names)),
      ElementsAre(
          "CONFLICT services[0].address: address 2001:db8::10 is IPv6 but port z, which carries "
          "it, "
          "has mtu 1279, and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu, or set "
          "vip_port to another"));
  web->set_vip_port("a");
  EXPECT_THAT(validate_desired_state(state, names), IsEmpty());
}

TEST(ValidateMessages, ServicesHaveTheirSlots) {
  v1::DesiredState state = many(dataplane::kMaxServices, 0);
  EXPECT_THAT(validate_desired_state(state), IsEmpty());
  add_web(state);
  EXPECT_THAT(messages(validate_desired_state(state)),
              ElementsAre("OUT_OF_RANGE services: 16385 services exceed 16384; "
                          "run several load balancers with a part of them each"));
}

TEST(ValidateMessages, RealsHaveTheirSlots) {
  v1::DesiredState state = many(16, dataplane::kMaxReals / 16);
  EXPECT_THAT(validate_desired_state(state), IsEmpty());
  state.mutable_services(0)->add_reals()->set_address("10.1.0.1");
  EXPECT_THAT(messages(validate_desired_state(state)),
              ElementsAre("OUT_OF_RANGE services: 131073 reals exceed 131072; "
                          "run several load balancers with a part of them each"));
}

TEST(ValidateMessages, StaticNeighboursHaveTheirSlots) {
  v1::Config config;
  config.add_ports()->set_name("a");
  config.mutable_ports(0)->set_device("net_null0");
  for (uint32_t i = 0; i <= dataplane::kMaxNextHops; ++i) {
    v1::StaticNeighbour* neighbour = config.mutable_next_hops()->add_neighbours();
    neighbour->set_address("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) +
                           "." + std::to_string(i & 255));
    neighbour->set_mac("02:00:00:00:00:01");
    neighbour->set_port("a");
  }
  EXPECT_THAT(messages(validate(config)),
              ElementsAre("OUT_OF_RANGE next_hops.neighbours: 65536 neighbours exceed 65535; "
                          "route to them through a gateway"));
}

// What grows with the square of the size would take minutes here: 100,000 reals are 10^10 pairs.
TEST(ValidateMessages, ManyServicesAndRealsTakeNoSquareOfTheirNumber) {
  const v1::DesiredState spread = many(10000, 10);
  const v1::DesiredState one_service = many(1, 60000);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(validate_desired_state(spread), IsEmpty());
  EXPECT_THAT(validate_desired_state(one_service), IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace shunt::config
