// The rules of ports and kernel ports. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"ADaemonNeedsAPort",
     Purpose::kDaemon,
     R"(services: []
)",
     {"REQUIRED lb.yaml:1:1: ports: no port is given; list at least one, with name and device"}},
    {"APortNeedsNameAndDevice",
     Purpose::kDaemon,
     R"(ports:
  - {}
)",
     {"REQUIRED lb.yaml:2:5: ports[0]: name is missing; use 1..15 characters of [a-z0-9_-]",
      "REQUIRED lb.yaml:2:5: ports[0]: device is missing; give a PCI address (0000:01:00.0) or a "
      "vdev (net_tap0,iface=x0)"}},
    {"APortNameHasItsCharacters",
     Purpose::kDaemon,
     R"(ports:
  - name: Out.side
    device: net_tap0
)",
     {"MALFORMED lb.yaml:2:11: port Out.side: name \"Out.side\" contains \"O\"; use 1..15 "
      "characters of [a-z0-9_-]"}},
    {"APortNameHasItsLength",
     Purpose::kDaemon,
     R"(ports:
  - name: pppppppppppppppp
    device: net_tap0
)",
     {"OUT_OF_RANGE lb.yaml:2:11: port pppppppppppppppp: name \"pppppppppppppppp\" has 16 "
      "characters; use 1..15 characters of [a-z0-9_-]"}},
    {"PortNamesAreUnique",
     Purpose::kDaemon,
     kOutside + R"(  - name: outside
    device: net_tap1
    kernel_port: {name: other}
)",
     {"DUPLICATE lb.yaml:4:11: port outside: name \"outside\" is another port's; give each port "
      "its own name"}},
    {"AVlanHasItsRange",
     Purpose::kDaemon,
     kOutside + R"(    vlan: 4095
  - {name: inside, device: net_tap1, vlan: 0}
  - {name: third, device: net_tap2, vlan: 4094}
)",
     {"OUT_OF_RANGE lb.yaml:4:11: port outside: vlan 4095 exceeds 4094; use 1..4094",
      "OUT_OF_RANGE lb.yaml:5:44: port inside: vlan 0 is less than 1; use 1..4094"}},
    {"DevicesAreUnique",
     Purpose::kDaemon,
     kOutside + R"(  - name: inside
    device: net_tap0,iface=x
)",
     {"DUPLICATE lb.yaml:5:13: port inside: device \"net_tap0\" is another port's; give each port "
      "its own device"}},
    {"APciDeviceIsTheSameInEitherForm",
     Purpose::kDaemon,
     R"(ports:
  - {name: a, device: "01:00.0"}
  - {name: b, device: "0000:01:00.0,arg=1"}
)",
     {"DUPLICATE lb.yaml:3:23: port b: device \"0000:01:00.0\" is another port's; give each port "
      "its own device"}},
    {"ADeviceIsPciOrVdev",
     Purpose::kDaemon,
     R"(ports:
  - {name: a, device: eth0}
)",
     {"MALFORMED lb.yaml:2:23: port a: device \"eth0\" is neither a PCI address nor a vdev; write "
      "0000:01:00.0 or net_tap0,iface=x0; for a Linux interface, net_af_packet0,iface=eth0"}},
    {"AMacHasItsForm",
     Purpose::kDaemon,
     kOutside + R"(    mac: 02-00-00-00-00-01
)",
     {"MALFORMED lb.yaml:4:10: port outside: mac \"02-00-00-00-00-01\" is not a MAC address; write "
      "six bytes, as in 02:00:00:00:00:01"}},
    {"AMacIsNotZero",
     Purpose::kDaemon,
     kOutside + R"(    mac: 00:00:00:00:00:00
)",
     {"OUT_OF_RANGE lb.yaml:4:10: port outside: mac 00:00:00:00:00:00 is all zero; use a unicast "
      "address"}},
    {"AMacIsUnicast",
     Purpose::kDaemon,
     kOutside + R"(    mac: 01:00:5e:00:00:01
)",
     {"OUT_OF_RANGE lb.yaml:4:10: port outside: mac 01:00:5e:00:00:01 is a multicast address; use "
      "a unicast address: an even first byte"}},
    {"AnMtuHasItsRange",
     Purpose::kDaemon,
     kOutside + R"(    mtu: 9217
)",
     {"OUT_OF_RANGE lb.yaml:4:10: port outside: mtu 9217 exceeds 9216; use 576..9216"}},
    {"AnMtuBelow576IsRefused",
     Purpose::kDaemon,
     kOutside + R"(    mtu: 575
)",
     {"OUT_OF_RANGE lb.yaml:4:10: port outside: mtu 575 is less than 576; use 576..9216"}},
    {"DescriptorsAreAPowerOfTwo",
     Purpose::kDaemon,
     kOutside + R"(    descriptors: 1000
)",
     {"OUT_OF_RANGE lb.yaml:4:18: port outside: descriptors 1000 is not a power of two; use 1024"}},
    {"DescriptorsHaveTheirRange",
     Purpose::kDaemon,
     kOutside + R"(    descriptors: 65536
)",
     {"OUT_OF_RANGE lb.yaml:4:18: port outside: descriptors 65536 exceeds 32768; use 32..32768"}},
    {"AnInterfaceNameHasItsLength",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {name: abcdefghijklmnop}
)",
     {"OUT_OF_RANGE lb.yaml:4:25: port outside: name \"abcdefghijklmnop\" has 16 characters; use "
      "1..15 characters of [a-zA-Z0-9_.-]"}},
    {"AnInterfaceNameHasItsCharacters",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {name: "sh%d"}
)",
     {"MALFORMED lb.yaml:4:25: port outside: name \"sh%d\" contains \"%\"; use 1..15 characters of "
      "[a-zA-Z0-9_.-]"}},
    {"InterfaceNamesAreUnique",
     Purpose::kDaemon,
     kOutside + R"(  - name: inside
    device: net_tap1
    kernel_port: {name: sh-outside}
)",
     {"DUPLICATE lb.yaml:6:25: port inside: interface \"sh-outside\" is already taken; choose "
      "another interface name"}},
    {"DefaultInterfaceNamesCutAlikeAreRefused",
     Purpose::kDaemon,
     R"(ports:
  - {name: datacenter-a-1, device: net_tap0}
  - {name: datacenter-a-2, device: net_tap1}
)",
     {"DUPLICATE lb.yaml:3:5: port datacenter-a-2: interface \"sh-datacenter-a\" is already taken; "
      "choose another interface name"}},
    {"ADevicesInterfaceIsNotAKernelPorts",
     Purpose::kDaemon,
     R"(ports:
  - name: outside
    device: net_tap0,iface=sh-outside
)",
     {"DUPLICATE lb.yaml:2:5: port outside: interface \"sh-outside\" is already taken; choose "
      "another interface name"}},
    {"AKernelAddressHasAPrefixLength",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.1]}
)",
     {"MALFORMED lb.yaml:4:31: port outside: address \"10.0.0.1\" has no prefix length; write it "
      "as in 192.0.2.1/24 or 2001:db8::1/64"}},
    {"ADisabledKernelPortsAddressesAreJudgedToo",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {disabled: true, addresses: [x]}
)",
     {"MALFORMED lb.yaml:4:47: port outside: address \"x\" is not an address with prefix length; "
      "write it as in 192.0.2.1/24 or 2001:db8::1/64"}},
    {"AKernelAddressHasItsForm",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.1/33, x]}
)",
     {"MALFORMED lb.yaml:4:31: port outside: address \"10.0.0.1/33\" is not an address with prefix "
      "length; write it as in 192.0.2.1/24 or 2001:db8::1/64",
      "MALFORMED lb.yaml:4:44: port outside: address \"x\" is not an address with prefix length; "
      "write it as in 192.0.2.1/24 or 2001:db8::1/64"}},
    {"AKernelAddressIsUnicast",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [224.0.0.1/24, "ff02::1/64", "::/0", "::1/128"]}
)",
     {"OUT_OF_RANGE lb.yaml:4:31: port outside: address \"224.0.0.1/24\" is a multicast address; "
      "use a unicast address",
      "OUT_OF_RANGE lb.yaml:4:45: port outside: address \"ff02::1/64\" is a multicast address; use "
      "a unicast address",
      "OUT_OF_RANGE lb.yaml:4:59: port outside: address \"::/0\" is the unspecified address; use a "
      "unicast address",
      "OUT_OF_RANGE lb.yaml:4:67: port outside: address \"::1/128\" is the loopback address; use a "
      "unicast address"}},
    {"AKernelAddressIsNotTheNetwork",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.0/24]}
)",
     {"OUT_OF_RANGE lb.yaml:4:31: port outside: address \"10.0.0.0/24\" is the network itself; use "
      "an address inside it"}},
    {"AKernelAddressIsGivenOnce",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.1/24, 10.0.0.1/16]}
)",
     {"DUPLICATE lb.yaml:4:44: port outside: address \"10.0.0.1/16\" is already given to a kernel "
      "port; list each address once"}},
    {"AnIpv6KernelAddressIsNoIpv4InIpv6sForm",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: ["::ffff:10.0.0.1/120"]}
)",
     {"OUT_OF_RANGE lb.yaml:4:31: port outside: address \"::ffff:10.0.0.1/120\" is an IPv4 address "
      "in IPv6's form; write 10.0.0.1"}},
    {"AnIpv6KernelAddressIsNotTheNetwork",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [2001:db8::/64, 2001:db8:1::/127, 2001:db8:2::/128]}
)",
     {"OUT_OF_RANGE lb.yaml:4:31: port outside: address \"2001:db8::/64\" is the network itself; "
      "use an address inside it"}},
    {"AnIpv6KernelAddressIsGivenOnceInAnyForm",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [2001:db8::1/64, 2001:DB8:0::1/64]}
)",
     {"DUPLICATE lb.yaml:4:47: port outside: address \"2001:DB8:0::1/64\" is already given to a "
      "kernel port; list each address once"}},
    {"EachPortMayHaveTheSameLinkLocalAddressOnce",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [fe80::1/64]}
  - {name: inside, device: net_tap1, kernel_port: {addresses: [fe80::1/64, fe80::1/64]}}
)",
     {"DUPLICATE lb.yaml:5:76: port inside: address \"fe80::1/64\" is already given to a kernel "
      "port; list each address once"}},
    {"AnIpv6KernelAddressNeedsAnMtuOf1280",
     Purpose::kDaemon,
     kOutside + R"(    mtu: 1279
    kernel_port: {addresses: [10.0.0.1/24, 2001:DB8::1/64, 2001:db8::2/64]}
)",
     {"CONFLICT lb.yaml:4:10: port outside: mtu 1279 is too small for the kernel port's "
      "2001:db8::1/64: IPv6 needs 1280 (RFC 8200 section 5); set it to 1280 or more, or remove the "
      "address"}},
    {"AnMtuOf1280CarriesIpv6AndASmallerOneIpv4",
     Purpose::kDaemon,
     kOutside + R"(    mtu: 1280
    kernel_port: {addresses: [2001:db8::1/64]}
  - {name: inside, device: net_tap1, mtu: 576, kernel_port: {addresses: [10.0.0.1/24]}}
)",
     {}},
    {"AMachineHasAtMost32Ports",
     Purpose::kDaemon,
     R"(ports:
  - {name: p0, device: net_tap0}
  - {name: p1, device: net_tap1}
  - {name: p2, device: net_tap2}
  - {name: p3, device: net_tap3}
  - {name: p4, device: net_tap4}
  - {name: p5, device: net_tap5}
  - {name: p6, device: net_tap6}
  - {name: p7, device: net_tap7}
  - {name: p8, device: net_tap8}
  - {name: p9, device: net_tap9}
  - {name: p10, device: net_tap10}
  - {name: p11, device: net_tap11}
  - {name: p12, device: net_tap12}
  - {name: p13, device: net_tap13}
  - {name: p14, device: net_tap14}
  - {name: p15, device: net_tap15}
  - {name: p16, device: net_tap16}
  - {name: p17, device: net_tap17}
  - {name: p18, device: net_tap18}
  - {name: p19, device: net_tap19}
  - {name: p20, device: net_tap20}
  - {name: p21, device: net_tap21}
  - {name: p22, device: net_tap22}
  - {name: p23, device: net_tap23}
  - {name: p24, device: net_tap24}
  - {name: p25, device: net_tap25}
  - {name: p26, device: net_tap26}
  - {name: p27, device: net_tap27}
  - {name: p28, device: net_tap28}
  - {name: p29, device: net_tap29}
  - {name: p30, device: net_tap30}
  - {name: p31, device: net_tap31}
  - {name: p32, device: net_tap32}
workers: {mbufs: 65536}
)",
     {"OUT_OF_RANGE lb.yaml:2:3: ports: 33 ports exceed 32; remove some"}},
    {"DescriptorsAreNotTooFew",
     Purpose::kDaemon,
     kOutside + R"(    descriptors: 16
)",
     {"OUT_OF_RANGE lb.yaml:4:18: port outside: descriptors 16 is less than 32; use 32..32768"}},
    {"AKernelAddressOfA31HasNoNetworkAddress",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {addresses: [10.0.0.0/31]}
)",
     {}},
    {"ADisabledKernelPortTakesNoName",
     Purpose::kDaemon,
     kOutside + R"(    kernel_port: {disabled: true}
  - {name: inside, device: net_tap1, kernel_port: {name: sh-outside}}
)",
     {}},
};

class ValidatePorts : public YamlCaseTest {};

TEST_P(ValidatePorts, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidatePorts, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
