// The rules of snat. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::string kPorts = R"(ports:
  - {name: outside, device: net_tap0}
  - {name: inside, device: net_tap1, kernel_port: {disabled: true}}
)";

const std::vector<YamlCase> kCases = {
    {"ARuleWithAllItMayHave",
     Purpose::kDaemon,
     kPorts + R"(snat:
  - name: egress
    sources: [10.0.0.0/24, 10.1.0.0/16]
    destinations: [198.51.100.0/24]
    protocols: [tcp, udp, icmp]
    ingress_port: inside
    egress_port: outside
    addresses: [203.0.113.5, 203.0.113.16-203.0.113.31, 203.0.113.64/28]
    first_port: 2000
    last_port: 3023
    kernel_port: outside
    timeouts: {tcp_established: 2h, udp: 30s, icmp: 10s}
  - {name: egress6, sources: ["2001:db8:1::/64"], addresses: ["2001:db8::50"]}
)",
     {}},
    {"TwoRulesMayShareAPool",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.5]}
  - {name: b, sources: [10.1.0.0/24], addresses: [203.0.113.5]}
)",
     {}},
    {"ARuleNeedsANameSourcesAndAPool",
     Purpose::kDesiredState,
     R"(snat:
  - protocols: [tcp]
)",
     {"REQUIRED lb.yaml:2:5: snat[0]: name is missing; use 1..63 characters of [a-zA-Z0-9_.-]",
      "REQUIRED lb.yaml:2:5: snat[0]: sources is missing; give prefixes of one family, 0.0.0.0/0 or ::/0 for everybody",
      "REQUIRED lb.yaml:2:5: snat[0]: the pool is empty: addresses is missing; give at least one address, range or "
      "prefix"}},
    {"NamesAreUnique",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.5]}
  - {name: a, sources: [10.1.0.0/24], addresses: [203.0.113.6]}
)",
     {"DUPLICATE lb.yaml:3:12: snat rule a: name \"a\" is another rule's; give each rule its own name"}},
    {"SourceAndPoolAreOfOneFamily",
     Purpose::kDesiredState,
     R"(snat:
  - name: a
    sources: [10.0.0.0/24]
    destinations: ["2001:db8::/32"]
    addresses: ["2001:db8::5"]
)",
     {"CONFLICT lb.yaml:4:20: snat rule a: prefix 2001:db8::/32 is IPv6 but the rule's first, 10.0.0.0/24, is IPv4; give "
      "each family a rule of its own",
      "CONFLICT lb.yaml:5:17: snat rule a: the pool's 2001:db8::5 is IPv6 but the rule's source, 10.0.0.0/24, is IPv4; "
      "give each family a rule of its own"}},
    {"APoolsTextIsAnAddressARangeOrAPrefix",
     Purpose::kDesiredState,
     R"(snat:
  - name: a
    sources: [10.0.0.0/24]
    addresses: [203.0.113.9-203.0.113.5, 203.0.113.17/28, web, 224.0.0.5]
)",
     {"MALFORMED lb.yaml:4:17: snat rule a: \"203.0.113.9-203.0.113.5\" is no address, range or prefix; write it as in "
      "203.0.113.5, 203.0.113.16-203.0.113.31 or 203.0.113.16/28, the lower address first",
      "MALFORMED lb.yaml:4:42: snat rule a: \"203.0.113.17/28\" is no address, range or prefix; write it as in "
      "203.0.113.5, 203.0.113.16-203.0.113.31 or 203.0.113.16/28, the lower address first",
      "MALFORMED lb.yaml:4:59: snat rule a: \"web\" is no address, range or prefix; write it as in 203.0.113.5, "
      "203.0.113.16-203.0.113.31 or 203.0.113.16/28, the lower address first",
      "OUT_OF_RANGE lb.yaml:4:64: snat rule a: address 224.0.0.5 is a multicast address; use a unicast address"}},
    {"APoolListsAnAddressOnce",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.0/28, 203.0.113.5]}
)",
     {"DUPLICATE lb.yaml:2:67: snat rule a: 203.0.113.5 overlaps 203.0.113.0/28 of the pool; list each address once"}},
    {"APoolIsNobodyElses",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: pool, addresses: [203.0.113.12]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    reals: [{address: 203.0.113.11}]
snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.8/29]}
)",
     {"CONFLICT lb.yaml:10:51: snat rule a: the pool's address 203.0.113.10 is the VIP of service web; leave it out of the "
      "pool, or use addresses that serve nothing else",
      "CONFLICT lb.yaml:10:51: snat rule a: the pool's address 203.0.113.11 is a real of service web; leave it out of the "
      "pool, or use addresses that serve nothing else",
      "CONFLICT lb.yaml:10:51: snat rule a: the pool's address 203.0.113.12 is of local_addresses pool; leave it out of "
      "the pool, or use addresses that serve nothing else"}},
    {"PortsAreTheRightWayRoundAndEnough",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.5], first_port: 3000, last_port: 2000}
  - {name: b, sources: [10.0.0.0/24], addresses: [203.0.113.5], first_port: 3000, last_port: 3100}
  - {name: c, sources: [10.0.0.0/24], addresses: [203.0.113.5], first_port: 80}
)",
     {"OUT_OF_RANGE lb.yaml:2:94: snat rule a: last_port 2000 is below first_port, 3000; exchange the two",
      "OUT_OF_RANGE lb.yaml:3:94: snat rule b: ports 3000-3100 are 101, fewer than 1024, of which every worker has its "
      "share; give at least that many",
      "OUT_OF_RANGE lb.yaml:4:77: snat rule c: first_port 80 is less than 1024; use 1024..65535"}},
    {"ProtocolsAreThoseThatCanBe",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.5], protocols: [tcp, sctp]}
services:
  - name: web
    protocol: icmp
    address: 203.0.113.10
    port: 80
    method: snat
)",
     {"MALFORMED lb.yaml:2:82: snat rule a: protocols \"sctp\" is not one of tcp, udp and icmp; write one of them",
      "MALFORMED lb.yaml:5:15: service web: protocol \"icmp\" is not one of tcp, udp and sctp; write one of them",
      "MALFORMED lb.yaml:8:13: service web: method \"snat\" is not one of direct, tunnel, nat and fullnat; write nat"}},
    {"ProtocolsAreListedOnce",
     Purpose::kDesiredState,
     R"(snat:
  - {name: a, sources: [10.0.0.0/24], addresses: [203.0.113.5], protocols: [tcp, udp, tcp]}
)",
     {"DUPLICATE lb.yaml:2:87: snat rule a: the protocol is there already; list each once"}},
    {"PortsThatAreNamedAreThere",
     Purpose::kDaemon,
     kPorts + R"(snat:
  - name: a
    sources: [10.0.0.0/24]
    addresses: [203.0.113.5]
    ingress_port: in
    egress_port: out
    kernel_port: inside
)",
     {"UNKNOWN_REFERENCE lb.yaml:8:19: snat rule a: ingress_port \"in\" is not a port; name one of: inside or outside",
      "UNKNOWN_REFERENCE lb.yaml:9:18: snat rule a: egress_port \"out\" is not a port; name one of: inside or outside",
      "UNKNOWN_REFERENCE lb.yaml:10:18: snat rule a: kernel_port \"inside\" is no port with a kernel port; name one of: "
      "outside"}},
};

class ValidateSnat : public YamlCaseTest {};

TEST_P(ValidateSnat, SaysWhereAndWhy) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Files, ValidateSnat, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
