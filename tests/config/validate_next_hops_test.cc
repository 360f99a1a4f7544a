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
     {"REQUIRED lb.yaml:5:16: next_hops.neighbours[0]: address is missing; give an IPv4 or IPv6 "
      "address",
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
    {"ANeighbourIsOfOneMachine",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: "ff02::1", mac: "02:00:00:00:00:02", port: outside}
    - {address: "::ffff:10.0.0.2", mac: "02:00:00:00:00:02", port: outside}
)",
     {"OUT_OF_RANGE lb.yaml:6:17: neighbour ff02::1: address \"ff02::1\" is a multicast address; "
      "use a unicast address",
      "OUT_OF_RANGE lb.yaml:7:17: neighbour ::ffff:10.0.0.2: address \"::ffff:10.0.0.2\" is an "
      "IPv4 address in IPv6's form; write 10.0.0.2"}},
    {"Ipv6RoutesGoOnLinkOrViaANeighbourWhoseAddressMayBeLinkLocal",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: fe80::1, mac: "02:00:00:00:00:02", port: outside}
    - {address: 2001:db8::2, mac: "02:00:00:00:00:02", port: outside}
  routes:
    - {prefix: ::/0, via: fe80::1, port: outside}
    - {prefix: 2001:db8:1::/48, via: 2001:DB8:0::2, port: outside}
    - prefix: 2001:db8::/64
      port: outside
    - {prefix: 0.0.0.0/0, port: outside}
)",
     {}},
    {"AnIpv6NeighbourIsListedOnceInAnyForm",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: 2001:db8::2, mac: "02:00:00:00:00:02", port: outside}
    - {address: 2001:DB8:0::2, mac: "02:00:00:00:00:02", port: outside}
)",
     {"DUPLICATE lb.yaml:7:17: neighbour 2001:DB8:0::2: address 2001:db8::2 is already a neighbour "
      "on this port; list each neighbour once"}},
    {"ANextHopsIpv6NeedsItsPortsMtu",
     Purpose::kDaemon,
     R"(ports:
  - {name: outside, device: net_tap0, mtu: 1279}
next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: outside}
    - {address: 2001:db8::2, mac: "02:00:00:00:00:02", port: outside}
  routes:
    - {prefix: 0.0.0.0/0, via: 10.0.0.2, port: outside}
    - {prefix: "::/0", via: 2001:db8::2, port: outside}
)",
     {"CONFLICT lb.yaml:6:17: neighbour 2001:db8::2: address 2001:db8::2 is IPv6 but port outside "
      "has mtu 1279, and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu",
      "CONFLICT lb.yaml:9:16: route ::/0: prefix ::/0 is IPv6 but port outside has mtu 1279, and "
      "IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu"}},
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
      "2001:db8::/32, 0.0.0.0/0 or ::/0"}},
    {"ARoutesPrefixHasItsForm",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: default, port: outside}]
)",
     {"MALFORMED lb.yaml:5:21: route default: prefix \"default\" is not a prefix; write it as in "
      "192.0.2.0/24, 2001:db8::/32, 0.0.0.0/0 or ::/0"}},
    {"ARoutesPrefixHasNoHostBits",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 10.0.0.1/8, port: outside}]
)",
     {"MALFORMED lb.yaml:5:21: route 10.0.0.1/8: prefix \"10.0.0.1/8\" has bits beyond its length; "
      "write 10.0.0.0/8"}},
    {"AnIpv6RoutesPrefixHasNoHostBits",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 2001:DB8::1/64, port: outside}, {prefix: 2001:db8::/129, port: outside}]
)",
     {"MALFORMED lb.yaml:5:21: route 2001:DB8::1/64: prefix \"2001:DB8::1/64\" has bits beyond its "
      "length; write 2001:db8::/64",
      "MALFORMED lb.yaml:5:62: route 2001:db8::/129: prefix \"2001:db8::/129\" is not a prefix; "
      "write it as in 192.0.2.0/24, 2001:db8::/32, 0.0.0.0/0 or ::/0"}},
    {"ARoutesViaHasItsPrefixsFamily",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  neighbours:
    - {address: 10.0.0.2, mac: "02:00:00:00:00:02", port: outside}
    - {address: fe80::2, mac: "02:00:00:00:00:02", port: outside}
  routes:
    - {prefix: "2001:db8::/32", via: 10.0.0.2, port: outside}
    - {prefix: 0.0.0.0/0, via: fe80::2, port: outside}
)",
     {"CONFLICT lb.yaml:9:38: route 2001:db8::/32: via 10.0.0.2 is IPv4 but the prefix, "
      "2001:db8::/32, is IPv6; name an IPv6 neighbour",
      "CONFLICT lb.yaml:10:32: route 0.0.0.0/0: via fe80::2 is IPv6 but the prefix, 0.0.0.0/0, is "
      "IPv4; name an IPv4 neighbour"}},
    {"AnIpv6PrefixIsRoutedOnceInAnyForm",
     Purpose::kDaemon,
     kOutside + R"(next_hops:
  routes: [{prefix: 2001:db8::/32, port: outside}, {prefix: 2001:DB8:0::/32, port: outside}]
)",
     {"DUPLICATE lb.yaml:5:61: route 2001:DB8:0::/32: prefix 2001:db8::/32 is already routed; list "
      "each prefix once"}},
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
