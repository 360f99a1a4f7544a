// The rules of VIPs: what address one is, and what kernel port carries it. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AVipIsAnAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.010
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"203.0.113.010\" is not an IP address; write "
      "it as in 192.0.2.1 or 2001:db8::1"}},
    {"AVipIsNoName",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: example.org
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"example.org\" is not an IP address; write "
      "it as in 192.0.2.1 or 2001:db8::1"}},
    {"AVipHasNoPrefix",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10/32
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"203.0.113.10/32\" has a prefix length; write "
      "the address alone"}},
    {"AVipMayBeIpv6",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
  - {name: local, protocol: udp, address: fd00::10, port: 80}
)",
     {}},
    {"TwoServicesMayNotShareAnIpv6AddressInTwoForms",
     Purpose::kDesiredState,
     R"(services:
  - {name: web, protocol: tcp, address: 2001:db8::10, port: 80}
  - {name: web2, protocol: tcp, address: 2001:DB8:0::0010, port: 80}
)",
     {"DUPLICATE lb.yaml:3:66: service web2: protocol, address and port are those of service web; "
      "change one of them or join the two services"}},
    {"AnIpv6VipHasNoBrackets",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "[2001:db8::10]"
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"[2001:db8::10]\" has brackets; write the "
      "address alone, as in 2001:db8::1"}},
    {"AnIpv6VipHasNoZone",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "fe80::1%eth0"
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"fe80::1%eth0\" is not an IP address; write "
      "it as in 192.0.2.1 or 2001:db8::1"}},
    {"AnIpv6VipHasNoPrefix",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "2001:db8::10/128"
    port: 80
)",
     {"MALFORMED lb.yaml:4:14: service web: address \"2001:db8::10/128\" has a prefix length; "
      "write the address alone"}},
    {"AnIpv6VipIsNotUnspecified",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "::"
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"::\" is the unspecified address; use a "
      "unicast address"}},
    {"AnIpv6VipIsNotTheLoopback",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "::1"
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"::1\" is the loopback address; use a "
      "unicast address"}},
    {"AnIpv6VipIsNoMulticastAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "ff0e::1"
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"ff0e::1\" is a multicast address; use a "
      "unicast address"}},
    {"AnIpv6VipIsNotLinkLocal",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "febf::1"
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"febf::1\" is link-local, and routers pass "
      "nothing on to it; use a global address, or a unique local one (fc00::/7)"}},
    {"AVipIsNotIpv4InIpv6sForm",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: "::ffff:203.0.113.10"
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"::ffff:203.0.113.10\" is an IPv4 address "
      "in IPv6's form; write 203.0.113.10"}},
    {"AVipIsNoUnspecifiedAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 0.0.0.0
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"0.0.0.0\" is in 0.0.0.0/8, which is no "
      "machine's; use a unicast address"}},
    {"AVipIsNoLoopbackAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 127.0.0.1
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"127.0.0.1\" is a loopback address; use a "
      "unicast address"}},
    {"AVipIsNoMulticastAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 224.0.0.1
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"224.0.0.1\" is a multicast address; use a "
      "unicast address"}},
    {"AVipIsNoBroadcastAddress",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 255.255.255.255
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:4:14: service web: address \"255.255.255.255\" is the broadcast "
      "address; use a unicast address"}},
    {"AVipPortIsAPort",
     Purpose::kDaemon,
     kOutside + R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    vip_port: nowhere
)",
     {"UNKNOWN_REFERENCE lb.yaml:9:15: service web: vip_port \"nowhere\" is not a port; name one "
      "with a kernel port: outside"}},
    {"AVipPortHasAKernelPort",
     Purpose::kDaemon,
     kOutside + R"(  - name: reals
    device: net_tap1
    kernel_port: {disabled: true}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    vip_port: reals
)",
     {"UNKNOWN_REFERENCE lb.yaml:12:15: service web: vip_port \"reals\" has no kernel port; name "
      "one with a kernel port: outside"}},
    {"AnIpv6VipNeedsTheFirstKernelPortsMtu",
     Purpose::kDaemon,
     R"(ports:
  - {name: bare, device: net_tap0, kernel_port: {disabled: true}}
  - {name: z, device: net_tap1, mtu: 1279}
  - {name: a, device: net_tap2}
services:
  - {name: web, protocol: tcp, address: 203.0.113.10, port: 80}
  - {name: web6, protocol: tcp, address: 2001:DB8::10, port: 80}
)",
     {"CONFLICT lb.yaml:7:42: service web6: address 2001:db8::10 is IPv6 but port z, which carries "
      "it, has mtu 1279, "
      "and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu, or set vip_port to "
      "another"}},
    {"AnIpv6VipNeedsItsOwnPortsMtuOnly",
     Purpose::kDaemon,
     R"(ports:
  - {name: z, device: net_tap1, mtu: 1000}
  - {name: a, device: net_tap2, mtu: 1280}
services:
  - {name: web, protocol: tcp, address: 2001:db8::10, port: 80, vip_port: a}
  - {name: web6, protocol: tcp, address: 2001:db8::11, port: 80, vip_port: z}
)",
     {"CONFLICT lb.yaml:6:42: service web6: address 2001:db8::11 is IPv6 but port z, which carries "
      "it, has mtu 1000, "
      "and IPv6 needs 1280 (RFC 8200 section 5); raise the port's mtu, or set vip_port to "
      "another"}},
};

class ValidateVips : public YamlCaseTest {};

TEST_P(ValidateVips, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateVips, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
