// The rules of local address pools and of the services that use them. Each case: a file, and all
// that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"FullnatNeedsAPool",
     Purpose::kDesiredState,
     kWeb + R"(    method: fullnat
)",
     {"REQUIRED lb.yaml:2:5: service web: method fullnat needs local_addresses; name a pool of the "
      "top-level local_addresses"}},
    {"FullnatNeedsAPoolThatExists",
     Purpose::kDesiredState,
     kWeb + R"(    method: fullnat
    local_addresses: pool
)",
     {"UNKNOWN_REFERENCE lb.yaml:7:22: service web: local address pool \"pool\" does not exist; "
      "add it to the top-level local_addresses"}},
    {"FullnatNeedsOneOfThePools",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: a, addresses: [10.0.1.1]}
  - {name: b, addresses: [10.0.1.2]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: fullnat
    local_addresses: c
)",
     {"UNKNOWN_REFERENCE lb.yaml:10:22: service web: local address pool \"c\" does not exist; name "
      "one of a and b"}},
    {"FullnatNeedsAPoolWithAddresses",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: pool}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    method: fullnat
    local_addresses: pool
)",
     {"CONFLICT lb.yaml:9:22: service web: local address pool \"pool\" is empty; give the pool at "
      "least one address"}},
    {"OnlyFullnatTakesAPool",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: pool, addresses: [10.0.1.1]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    local_addresses: pool
)",
     {"CONFLICT lb.yaml:8:22: service web: local_addresses is given but the method is not fullnat; "
      "remove the line, or set method: fullnat"}},
    {"APoolNeedsAName",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {addresses: [10.0.1.1]}
)",
     {"REQUIRED lb.yaml:2:5: local_addresses[0]: name is missing; use 1..63 characters of "
      "[a-zA-Z0-9_.-]"}},
    {"PoolNamesAreUnique",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1]}
  - {name: p, addresses: [10.0.1.2]}
)",
     {"DUPLICATE lb.yaml:3:12: local address pool p: name \"p\" is another pool's; give each pool "
      "its own name"}},
    {"APoolNameHasItsCharacters",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: a/b, addresses: [10.0.1.1]}
)",
     {"MALFORMED lb.yaml:2:12: local address pool a/b: name \"a/b\" contains \"/\"; use 1..63 "
      "characters of [a-zA-Z0-9_.-]"}},
    {"ALocalAddressIsOfOneMachineThatRoutersReach",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1/24, "fe80::1", 224.0.0.1, x, "ff05::2", "::ffff:10.0.1.2", "::"]}
)",
     {"MALFORMED lb.yaml:2:27: local address pool p: address \"10.0.1.1/24\" has a prefix length; "
      "write the address alone",
      "OUT_OF_RANGE lb.yaml:2:40: local address pool p: address \"fe80::1\" is link-local, and "
      "routers pass nothing on to it; use a global address, or a unique local one (fc00::/7)",
      "OUT_OF_RANGE lb.yaml:2:51: local address pool p: address \"224.0.0.1\" is a multicast "
      "address; use a unicast address",
      "MALFORMED lb.yaml:2:62: local address pool p: address \"x\" is not an IP address; write "
      "it as in 192.0.2.1 or 2001:db8::1",
      "OUT_OF_RANGE lb.yaml:2:65: local address pool p: address \"ff05::2\" is a multicast "
      "address; use a unicast address",
      "OUT_OF_RANGE lb.yaml:2:76: local address pool p: address \"::ffff:10.0.1.2\" is an IPv4 "
      "address in IPv6's form; write 10.0.1.2",
      "OUT_OF_RANGE lb.yaml:2:95: local address pool p: address \"::\" is the unspecified address; "
      "use a unicast address"}},
    {"APoolMayHoldBothFamiliesForServicesOfEither",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1, 2001:db8:1::1]}
services:
  - {name: web, protocol: tcp, address: 203.0.113.10, port: 80, method: fullnat, local_addresses: p}
  - {name: web6, protocol: tcp, address: 2001:db8::10, port: 80, method: fullnat, local_addresses: p}
)",
     {}},
    {"AFullnatServicesPoolHasAnAddressOfItsRealsFamilies",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p4, addresses: [10.0.1.1]}
  - {name: p6, addresses: [2001:db8:1::1]}
services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 80, method: fullnat, local_addresses: p6, reals: [{address: 10.0.0.1}]}
  - {name: b, protocol: tcp, address: 2001:DB8::10, port: 80, method: fullnat, local_addresses: p4, sorry_reals: [{address: 2001:db8::1}]}
  - {name: c, protocol: tcp, address: 2001:DB8::10, port: 81, method: fullnat, local_addresses: p4, reals: [{address: 10.0.0.1}]}
  - {name: d, protocol: tcp, address: 2001:DB8::10, port: 82, method: fullnat, local_addresses: p4}
)",
     {"CONFLICT lb.yaml:5:97: service a: local address pool \"p6\" has IPv6 addresses only, but real 10.0.0.1 is IPv4; add an "
      "IPv4 address to the pool, or name another pool",
      "CONFLICT lb.yaml:6:97: service b: local address pool \"p4\" has IPv4 addresses only, but real 2001:db8::1 is IPv6; add an "
      "IPv6 address to the pool, or name another pool"}},
    {"APoolsUnreadableAddressMayBeTheOneOfTheFamily",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1, "2001:db8:1:1"]}
services:
  - {name: web6, protocol: tcp, address: 2001:db8::10, port: 80, method: fullnat, local_addresses: p, reals: [{address: 2001:db8::1}]}
)",
     {"MALFORMED lb.yaml:2:37: local address pool p: address \"2001:db8:1:1\" is not an IP "
      "address; write it as in 192.0.2.1 or 2001:db8::1"}},
    {"ALocalAddressIsListedOnceInAnyForm",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [2001:db8::1]}
  - {name: q, addresses: [2001:DB8:0::1]}
)",
     {"DUPLICATE lb.yaml:3:27: local address pool q: address 2001:db8::1 is already a local "
      "address; list each address once, in one pool"}},
    {"AnIpv6LocalAddressIsNoVipNoRealAndNotTheMachines",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [2001:db8::3/64]}
local_addresses:
  - {name: p, addresses: [2001:DB8::10, 2001:DB8::2, 2001:DB8::3]}
)" + kWeb6 +
         R"(    reals: [{address: 2001:db8::2}]
)",
     {"CONFLICT lb.yaml:6:27: local address pool p: address 2001:db8::10 is the VIP of service "
      "web; use an address that serves nothing else",
      "CONFLICT lb.yaml:6:41: local address pool p: address 2001:db8::2 is a real of service web; "
      "use an address that serves nothing else",
      "CONFLICT lb.yaml:6:54: local address pool p: address 2001:db8::3 is a kernel port's own; "
      "use an address that serves nothing else"}},
    {"AnIpv6LocalAddressNeedsItsPortsMtu",
     Purpose::kDaemon,
     R"(ports:
  - {name: z, device: net_tap0, mtu: 1000}
  - {name: a, device: net_tap1}
local_addresses:
  - {name: p, port: a, addresses: [2001:db8::1]}
  - {name: q, port: z, addresses: [10.0.1.1, 2001:DB8::2]}
  - {name: r, addresses: [2001:db8::3]}
)",
     {"CONFLICT lb.yaml:6:46: local address pool q: address 2001:db8::2 is IPv6 but port z, which "
      "carries it, has mtu 1000, and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu, "
      "or set port to another",
      "CONFLICT lb.yaml:7:27: local address pool r: address 2001:db8::3 is IPv6 but port z, which "
      "carries it, has mtu 1000, and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu, "
      "or set port to another"}},
    {"ALocalAddressIsListedOnceInAPool",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1, 10.0.1.1]}
)",
     {"DUPLICATE lb.yaml:2:37: local address pool p: address 10.0.1.1 is already a local address; "
      "list each address once, in one pool"}},
    {"ALocalAddressIsInOnePool",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1]}
  - {name: q, addresses: [10.0.1.1]}
)",
     {"DUPLICATE lb.yaml:3:27: local address pool q: address 10.0.1.1 is already a local address; "
      "list each address once, in one pool"}},
    {"ALocalAddressIsNoVip",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [203.0.113.10]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"CONFLICT lb.yaml:2:27: local address pool p: address 203.0.113.10 is the VIP of service "
      "web; use an address that serves nothing else"}},
    {"ALocalAddressIsNoReal",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.0.1]}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    reals:
      - address: 10.0.0.1
)",
     {"CONFLICT lb.yaml:2:27: local address pool p: address 10.0.0.1 is a real of service web; use "
      "an address that serves nothing else"}},
    {"APoolsPortHasAKernelPort",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {disabled: true}
local_addresses:
  - {name: p, addresses: [10.0.1.1], port: outside}
)",
     {"UNKNOWN_REFERENCE lb.yaml:6:44: local address pool p: port \"outside\" has no kernel port; "
      "enable a kernel port, or remove the line"}},
    {"ALocalAddressIsNotTheMachinesOwn",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.1/24]}
local_addresses:
  - {name: p, addresses: [10.0.0.1]}
)",
     {"CONFLICT lb.yaml:6:27: local address pool p: address 10.0.0.1 is a kernel port's own; use "
      "an address that serves nothing else"}},
};

class ValidatePools : public YamlCaseTest {};

TEST_P(ValidatePools, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidatePools, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
