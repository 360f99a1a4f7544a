// The rules of static next hops. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"ANeighbourNeedsAddressMacAndPort",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours: [{}]
)",
     {"REQUIRED lb.yaml:5:16: next_hops.neighbours[0]: address is missing; give an IPv4 address",
      "REQUIRED lb.yaml:5:16: next_hops.neighbours[0]: mac is missing; give the address, as in "
      "02:00:00:00:00:01",
      "REQUIRED lb.yaml:5:16: next_hops.neighbours[0]: port is missing; name a port"}},
    {"ANeighbourIsOnAPort",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: inside}
)",
     {"UNKNOWN_REFERENCE lb.yaml:6:59: neighbour 10.0.0.2: port \"inside\" does not exist; name "
      "one of outside"}},
    {"ANeighbourIsListedOnce",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: outside}
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: outside}
)",
     {"DUPLICATE lb.yaml:7:17: neighbour 10.0.0.2: address 10.0.0.2 is already a neighbour on this "
      "port; list each neighbour once"}},
    {"ANeighbourIsAUnicastIpv4Address",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: fe80::1, mac: "02:00:00:00:00:02", port: outside}
)",
     {"UNSUPPORTED lb.yaml:6:17: neighbour fe80::1: address \"fe80::1\" is IPv6, which this "
      "version passes to the kernel only; use an IPv4 address"}},
    {"ANeighboursMacIsUnicast",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "ff:ff:00:00:00:02", port: outside}
)",
     {"OUT_OF_RANGE lb.yaml:6:32: neighbour 10.0.0.2: mac ff:ff:00:00:00:02 is a multicast "
      "address; use a unicast address: an even first byte"}},
    {"ARouteNeedsPrefixAndPort",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{}]
)",
     {"REQUIRED lb.yaml:5:12: next_hops.routes[0]: port is missing; name a port",
      "REQUIRED lb.yaml:5:12: next_hops.routes[0]: prefix is missing; write it as in 192.0.2.0/24, "
      "or 0.0.0.0/0"}},
    {"ARoutesPrefixHasItsForm",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: default, port: outside}]
)",
     {"MALFORMED lb.yaml:5:21: route default: prefix \"default\" is not a prefix; write it as in "
      "192.0.2.0/24, or 0.0.0.0/0"}},
    {"ARoutesPrefixHasNoHostBits",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 10.0.0.1/8, port: outside}]
)",
     {"MALFORMED lb.yaml:5:21: route 10.0.0.1/8: prefix \"10.0.0.1/8\" has bits beyond its length; "
      "write 10.0.0.0/8"}},
    {"AnIpv6RouteIsNotSupported",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: "::/0", port: outside}]
)",
     {"UNSUPPORTED lb.yaml:5:21: route ::/0: prefix \"::/0\" is IPv6, which this version passes to "
      "the kernel only; use an IPv4 prefix"}},
    {"APrefixIsRoutedOnce",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 10.0.0.0/8, port: outside}, {prefix: 10.0.0.0/8, port: outside}]
)",
     {"DUPLICATE lb.yaml:5:58: route 10.0.0.0/8: prefix 10.0.0.0/8 is already routed; list each "
      "prefix once"}},
    {"ARouteGoesViaANeighbourOfItsPort",
     Purpose::kDaemon,
     kOutside + R"(  - {name: inside, device: net_tap1}
next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: outside}
  routes: [{prefix: 0.0.0.0/0, via: 10.0.0.2, port: inside}, {prefix: 10.0.0.0/8, via: 10.0.0.3, port: outside}]
)",
     {"UNKNOWN_REFERENCE lb.yaml:8:37: route 0.0.0.0/0: via 10.0.0.2 is not a neighbour on port "
      "\"inside\"; add it to next_hops.neighbours with its mac and this port",
      "UNKNOWN_REFERENCE lb.yaml:8:88: route 10.0.0.0/8: via 10.0.0.3 is not a neighbour on port "
      "\"outside\"; add it to next_hops.neighbours with its mac and this port"}},
    {"ARouteIsOnAPort",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 0.0.0.0/0, port: inside}]
)",
     {"UNKNOWN_REFERENCE lb.yaml:5:38: route 0.0.0.0/0: port \"inside\" does not exist; name one "
      "of outside"}},
};

class ValidateNextHops : public YamlCaseTest {};

TEST_P(ValidateNextHops, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateNextHops, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
