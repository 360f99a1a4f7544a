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
    {"ALocalAddressIsAUnicastIpv4Address",
     Purpose::kDesiredState,
     R"(local_addresses:
  - {name: p, addresses: [10.0.1.1/24, "2001:db8::1", 224.0.0.1, x]}
)",
     {"MALFORMED lb.yaml:2:27: local address pool p: address \"10.0.1.1/24\" has a prefix length; "
      "write the address alone",
      "UNSUPPORTED lb.yaml:2:40: local address pool p: address \"2001:db8::1\" is IPv6, which this "
      "version passes to the kernel only; use an IPv4 address",
      "OUT_OF_RANGE lb.yaml:2:55: local address pool p: address \"224.0.0.1\" is a multicast "
      "address; use a unicast address",
      "MALFORMED lb.yaml:2:66: local address pool p: address \"x\" is not an IP address; write "
      "four numbers, as in 192.0.2.1"}},
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
