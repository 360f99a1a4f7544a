// The rules of reals. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"ARealNeedsAnAddress",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - name: a
)",
     {"REQUIRED lb.yaml:7:9: real a of service web: address is missing; give an IPv4 or IPv6 "
      "address"}},
    {"ARealHasItsVipsFamilyUnderDirect",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.1.0.1, 2001:db8:1::1]}]
services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
    method: direct
    reals:
      - address: 10.0.0.1
      - address: 2001:db8::21
  - name: web4
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: direct
    reals: [{address: 2001:DB8:0::21}]
)",
     {"CONFLICT lb.yaml:9:18: real 10.0.0.1:80 of service web: address 10.0.0.1 is IPv4 but the "
      "VIP, 2001:db8::10, is IPv6; use an IPv6 address, method fullnat or tunnel, or a service with an IPv4 VIP",
      "CONFLICT lb.yaml:16:23: real [2001:db8::21]:80 of service web4: address 2001:db8::21 is "
      "IPv6 but the VIP, 203.0.113.10, is IPv4; use an IPv4 address, method fullnat or tunnel, or a service "
      "with an IPv6 VIP"}},
    {"ATunnelLeadsToARealOfEitherFamily",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
    method: tunnel
    reals: [{address: 10.0.0.1}, {address: 2001:db8::21}]
  - name: web4
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: tunnel
    reals: [{address: 10.0.0.1}, {address: 2001:DB8:0::21}]
)",
     {}},
    {"ARealsTunnelHasTheRulesOfAServices",
     Purpose::kDesiredState,
     kWeb + R"(    method: tunnel
    tunnel: {kind: gue, port: 7000}
    reals:
      - {address: 10.0.0.1, tunnel: {kind: ipip, checksum: full}}
      - {address: 10.0.0.2, tunnel: {kind: gre, port: 6080, checksum: full}}
      - {address: 10.0.0.3, tunnel: {kind: gue, port: 65536}}
      - {address: 10.0.0.4, tunnel: {port: 6080}}
)",
     {"CONFLICT lb.yaml:9:60: real 10.0.0.1:80 of service web: checksum is full but the kind is "
      "ipip, which has none; remove the line, or set kind: gre or kind: gue",
      "CONFLICT lb.yaml:10:55: real 10.0.0.2:80 of service web: port is given but the kind is not "
      "gue; remove the line, or set kind: gue",
      "OUT_OF_RANGE lb.yaml:11:55: real 10.0.0.3:80 of service web: port 65536 exceeds 65535; use "
      "1..65535",
      "CONFLICT lb.yaml:12:44: real 10.0.0.4:80 of service web: port is given but the kind is not "
      "gue; remove the line, or set kind: gue"}},
    {"ARealsTunnelNeedsMethodTunnel",
     Purpose::kDesiredState,
     kWeb + R"(    method: direct
    reals: [{address: 10.0.0.1, tunnel: {kind: gre}}]
)",
     {"CONFLICT lb.yaml:7:41: real 10.0.0.1:80 of service web: tunnel is given but the method is "
      "not tunnel; remove the lines, or set method: tunnel"}},
    {"ARealHasItsVipsFamilyUnderNat",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.1.0.1, 2001:db8:1::1]}]
services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
    method: nat
    reals:
      - address: 10.0.0.1
      - address: 2001:db8::21
  - name: web4
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: nat
    reals: [{address: 2001:DB8:0::21}]
)",
     {"CONFLICT lb.yaml:9:18: real 10.0.0.1:80 of service web: address 10.0.0.1 is IPv4 but the "
      "VIP, 2001:db8::10, is IPv6; use an IPv6 address, method fullnat or tunnel, or a service with an IPv4 VIP",
      "CONFLICT lb.yaml:16:23: real [2001:db8::21]:80 of service web4: address 2001:db8::21 is "
      "IPv6 but the VIP, 203.0.113.10, is IPv4; use an IPv4 address, method fullnat or tunnel, or a service "
      "with an IPv6 VIP"}},
    {"ARealIsOfEitherFamilyUnderFullnat",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.1.0.1, 2001:db8:1::1]}]
services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
    method: fullnat
    local_addresses: pool
    reals:
      - address: 10.0.0.1
      - address: 2001:db8::21
  - name: web4
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: fullnat
    local_addresses: pool
    reals: [{address: 2001:DB8:0::21}]
)",
     {}},
    {"WhatSaysAddressesOrHasIpv4OptionsDoesNotCross",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.1.0.1, 2001:db8:1::1]}]
services:
  - name: files
    protocol: tcp
    address: 2001:db8::10
    port: 21
    method: fullnat
    local_addresses: pool
    application: ftp
    reals: [{address: 10.0.0.1}]
  - name: names
    protocol: udp
    address: 203.0.113.10
    port: 53
    method: fullnat
    local_addresses: pool
    client_address: uoa
    uoa_form: option
    reals: [{address: 2001:db8::21}]
)",
     {"CONFLICT lb.yaml:10:23: real 10.0.0.1:21 of service files: address 10.0.0.1 is IPv4 but the VIP, 2001:db8::10, is "
      "IPv6, and the lines of ftp are not translated; use an IPv6 address, or remove the application",
      "CONFLICT lb.yaml:19:23: real [2001:db8::21]:53 of service names: address 2001:db8::21 is IPv6 but the VIP, 203.0.113.10, "
      "is IPv4, and uoa_form is option, which packets between the two cannot carry; use an IPv4 address, or set uoa_form: protocol"}},
    {"AnIpv6RealIsOfOneMachineThatRoutersReach",
     Purpose::kDesiredState,
     kWeb6 +
         R"(    reals: [{address: "ff02::1"}, {address: "fe80::1"}, {address: "::ffff:10.0.0.1"}, {address: "::1"}]
)",
     {"OUT_OF_RANGE lb.yaml:6:23: real [ff02::1]:80 of service web: address \"ff02::1\" is a "
      "multicast address; use a unicast address",
      "OUT_OF_RANGE lb.yaml:6:45: real [fe80::1]:80 of service web: address \"fe80::1\" is "
      "link-local, and routers pass nothing on to it; use a global address, or a unique local one "
      "(fc00::/7)",
      "OUT_OF_RANGE lb.yaml:6:67: real [::ffff:10.0.0.1]:80 of service web: address "
      "\"::ffff:10.0.0.1\" is an IPv4 address in IPv6's form; write 10.0.0.1",
      "OUT_OF_RANGE lb.yaml:6:97: real [::1]:80 of service web: address \"::1\" is the loopback "
      "address; use a unicast address"}},
    {"AnIpv6RealInAnotherFormIsTheSame",
     Purpose::kDesiredState,
     kWeb6 + R"(    reals: [{address: 2001:db8::1}, {address: 2001:DB8:0::1}]
)",
     {"DUPLICATE lb.yaml:6:47: real [2001:db8::1]:80 of service web: address and port are those of "
      "another real of the service; list each real once; raise its weight instead"}},
    {"AnIpv6RealInAnotherFormIsStillTheVip",
     Purpose::kDesiredState,
     kWeb6 + R"(    reals: [{address: 2001:DB8:0::10}]
)",
     {"CONFLICT lb.yaml:6:23: real [2001:db8::10]:80 of service web: address 2001:db8::10 is the "
      "VIP of service web; use the real's own address"}},
    {"ARealIsNotCalledByAnothersAddressInAnyForm",
     Purpose::kDesiredState,
     kWeb6 +
         R"(    reals: [{address: 2001:db8::1, name: "[2001:DB8:0::2]:080"}, {address: 2001:db8::2, name: a}]
)",
     {"DUPLICATE lb.yaml:6:42: real [2001:db8::2]:80 of service web: name \"[2001:DB8:0::2]:080\" "
      "is another real's; give each real of the service its own name"}},
    {"ARealMayBeCalledByItsOwnAddress",
     Purpose::kDesiredState,
     kWeb6 + R"(    reals: [{address: 2001:db8::1, name: "[2001:db8::1]:80"}]
)",
     {}},
    {"AnIpv6RealIsNotTheMachineItself",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [2001:db8::1/64]}
)" + kWeb6 +
         R"(    reals: [{address: 2001:DB8:0:0::1}]
)",
     {"CONFLICT lb.yaml:10:23: real [2001:db8::1]:80 of service web: address 2001:db8::1 is a "
      "kernel port's own; use the address of another machine"}},
    {"ARealIsNoMulticastAddress",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - address: 239.1.1.1
)",
     {"OUT_OF_RANGE lb.yaml:7:18: real 239.1.1.1:80 of service web: address \"239.1.1.1\" is a "
      "multicast address; use a unicast address"}},
    {"ARealIsNotItsOwnVip",
     Purpose::kDesiredState,
     kWeb + R"(    method: direct
    reals: [{address: 203.0.113.10}]
)",
     {"CONFLICT lb.yaml:7:23: real 203.0.113.10:80 of service web: address 203.0.113.10 is the VIP "
      "of service web; use the real's own address"}},
    {"ARealIsNoOtherServicesVip",
     Purpose::kDesiredState,
     kWeb + R"(    reals: [{address: 203.0.113.11}]
  - name: dns
    protocol: tcp
    address: 203.0.113.11
    port: 80
)",
     {"CONFLICT lb.yaml:6:23: real 203.0.113.11:80 of service web: address 203.0.113.11 is the VIP "
      "of service dns; use the real's own address"}},
    {"AWeightBeyond65535IsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, weight: 90000}
)",
     {"OUT_OF_RANGE lb.yaml:7:37: real 10.0.0.1:80 of service web: weight 90000 exceeds 65535; "
      "lower it or split the real"}},
    {"ARealIsListedOnce",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1}
      - {address: 10.0.0.1, port: 80, name: b}
)",
     {"DUPLICATE lb.yaml:8:19: real b of service web: address and port are those of another real "
      "of the service; list each real once; raise its weight instead"}},
    {"RealNamesAreUnique",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, name: a}
      - {address: 10.0.0.2, name: a}
)",
     {"DUPLICATE lb.yaml:8:35: real a of service web: name \"a\" is another real's; give each real "
      "of the service its own name"}},
    {"ARealIsNotCalledByAnothersAddress",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, name: "10.0.0.2:80"}
      - {address: 10.0.0.2, name: a}
)",
     {"DUPLICATE lb.yaml:7:35: real 10.0.0.2:80 of service web: name \"10.0.0.2:80\" is another "
      "real's; give each real of the service its own name"}},
    {"ARealNameHasItsCharacters",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, name: a/b}
)",
     {"MALFORMED lb.yaml:7:35: real a/b of service web: name \"a/b\" contains \"/\"; use 1..63 "
      "characters of [a-zA-Z0-9_.:[]-]"}},
    {"DirectKeepsThePort",
     Purpose::kDesiredState,
     kWeb + R"(    method: direct
    reals: [{address: 10.0.0.1, port: 8080}]
)",
     {"CONFLICT lb.yaml:7:39: real 10.0.0.1:8080 of service web: port 8080 is not the service's, "
      "80, and this method does not rewrite it; remove the line, or use method nat or fullnat"}},
    {"TunnelKeepsThePort",
     Purpose::kDesiredState,
     kWeb + R"(    method: tunnel
    reals: [{address: 10.0.0.1, port: 8080}]
)",
     {"CONFLICT lb.yaml:7:39: real 10.0.0.1:8080 of service web: port 8080 is not the service's, "
      "80, and this method does not rewrite it; remove the line, or use method nat or fullnat"}},
    {"AWeightBeforeDrainNeedsWeight0",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, weight_before_drain: 5}
      - {address: 10.0.0.2, weight: 3, weight_before_drain: 5}
)",
     {"CONFLICT lb.yaml:7:50: real 10.0.0.1:80 of service web: weight_before_drain is given but "
      "weight is not 0; remove the line; draining sets it",
      "CONFLICT lb.yaml:8:61: real 10.0.0.2:80 of service web: weight_before_drain is given but "
      "weight is not 0; remove the line; draining sets it"}},
    {"AWeightBeforeDrainHasItsRange",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, weight: 0, weight_before_drain: 70000}
)",
     {"OUT_OF_RANGE lb.yaml:7:61: real 10.0.0.1:80 of service web: weight_before_drain 70000 "
      "exceeds 65535; use 0..65535"}},
    {"ARealIsNotTheMachineItself",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.1/24]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    reals:
      - address: 10.0.0.1
)",
     {"CONFLICT lb.yaml:11:18: real 10.0.0.1:80 of service web: address 10.0.0.1 is a kernel "
      "port's own; use the address of another machine"}},
    {"ARealsPortBeyond65535IsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, port: 65536}
)",
     {"OUT_OF_RANGE lb.yaml:7:35: real 10.0.0.1:65536 of service web: port 65536 exceeds 65535; "
      "use 1..65535"}},
    {"ServicesMayShareAReal",
     Purpose::kDesiredState,
     kWeb + R"(    reals: [{address: 10.0.0.1, port: 8080}]
  - name: web2
    protocol: tcp
    address: 203.0.113.11
    port: 80
    reals: [{address: 10.0.0.1, port: 8080}]
)",
     {}},
    {"ARealMayHaveSeveralPorts",
     Purpose::kDesiredState,
     kWeb + R"(    reals: [{address: 10.0.0.1, port: 8080}, {address: 10.0.0.1, port: 8081}]
)",
     {}},
    {"ThresholdsDoNotContradictEachOther",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, upper_threshold: 100, lower_threshold: 101}
      - {address: 10.0.0.2, lower_threshold: 5}
      - {address: 10.0.0.3, upper_threshold: 100, lower_threshold: 100}
      - {address: 10.0.0.4, upper_threshold: 100}
)",
     {"CONFLICT lb.yaml:7:68: real 10.0.0.1:80 of service web: lower_threshold 101 exceeds "
      "upper_threshold, 100; lower it, or raise upper_threshold",
      "CONFLICT lb.yaml:8:46: real 10.0.0.2:80 of service web: lower_threshold 5 is given without "
      "upper_threshold; set upper_threshold, or remove the line"}},
    {"ASorryRealIsARealLikeOthers",
     Purpose::kDesiredState,
     kWeb + R"(    reals: [{address: 10.0.0.1, name: one}]
    sorry_reals:
      - {address: 10.0.0.1}
      - {address: 10.0.0.2, name: one}
      - {address: 2001:db8::1}
      - {weight: 70000}
)",
     {"DUPLICATE lb.yaml:8:19: sorry real 10.0.0.1:80 of service web: address and port are those of "
      "another real of the service; list each real once; raise its weight instead",
      "DUPLICATE lb.yaml:9:35: sorry real one of service web: name \"one\" is another real's; give "
      "each real of the service its own name",
      "CONFLICT lb.yaml:10:19: sorry real [2001:db8::1]:80 of service web: address 2001:db8::1 is IPv6 "
      "but the VIP, 203.0.113.10, is IPv4; use an IPv4 address, method fullnat or tunnel, or a service with an IPv6 VIP",
      "REQUIRED lb.yaml:11:9: sorry_reals[3] of service web: address is missing; give an IPv4 or IPv6 "
      "address",
      "OUT_OF_RANGE lb.yaml:11:18: sorry_reals[3] of service web: weight 70000 exceeds 65535; lower it "
      "or split the real"}},
    {"AServiceMayHaveNoReals", Purpose::kDesiredState, kWeb, {}},
};

class ValidateReals : public YamlCaseTest {};

TEST_P(ValidateReals, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateReals, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
