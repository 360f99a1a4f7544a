// The rules of services, their health checks and timeouts. Each case: a file, and all that is said
// of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AServiceNeedsNameProtocolAddressAndPort",
     Purpose::kDesiredState,
     R"(services:
  - {}
)",
     {"REQUIRED lb.yaml:2:5: services[0]: name is missing; use 1..63 characters of [a-zA-Z0-9_.-]",
      "REQUIRED lb.yaml:2:5: services[0]: protocol is missing; use tcp, udp or sctp",
      "REQUIRED lb.yaml:2:5: services[0]: address is missing; give an IPv4 or IPv6 address",
      "REQUIRED lb.yaml:2:5: services[0]: port is missing; use 1..65535"}},
    {"AServiceNameHasItsCharacters",
     Purpose::kDesiredState,
     R"(services:
  - name: we b
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"MALFORMED lb.yaml:2:11: service we b: name \"we b\" contains \" \"; use 1..63 characters of "
      "[a-zA-Z0-9_.-]"}},
    {"AServiceNameHasItsLength",
     Purpose::kDesiredState,
     R"(services:
  - name: wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"OUT_OF_RANGE lb.yaml:2:11: service "
      "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww: name "
      "\"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww\" has 64 characters; use "
      "1..63 characters of [a-zA-Z0-9_.-]"}},
    {"ServiceNamesAreUnique",
     Purpose::kDesiredState,
     kWeb + R"(  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 81
)",
     {"DUPLICATE lb.yaml:6:11: service web: name \"web\" is another service's; give each service "
      "its own name"}},
    {"TwoServicesMayNotShareProtocolAddressAndPort",
     Purpose::kDesiredState,
     kWeb + R"(  - name: web2
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"DUPLICATE lb.yaml:9:11: service web2: protocol, address and port are those of service web; "
      "change one of them or join the two services"}},
    {"APortBeyond65535IsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 65536
)",
     {"OUT_OF_RANGE lb.yaml:5:11: service web: port 65536 exceeds 65535; use 1..65535"}},
    {"AHealthCheckTimeoutIsAtMostItsInterval",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {interval: 1s, timeout: 1500ms}
)",
     {"CONFLICT lb.yaml:6:43: service web: timeout 1500ms exceeds the interval, 1s; lower the "
      "timeout or raise the interval"}},
    {"AHealthCheckTimeoutIsAtMostTheDefaultInterval",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {timeout: 6s}
)",
     {"CONFLICT lb.yaml:6:29: service web: timeout 6s exceeds the interval, 5s; lower the timeout "
      "or raise the interval"}},
    {"HealthCheckValuesHaveTheirRanges",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {interval: 50ms, rise: 101, fall: 101, port: 65536}
)",
     {"OUT_OF_RANGE lb.yaml:6:30: service web: interval 50ms is less than 100ms; use 100ms..1h",
      "OUT_OF_RANGE lb.yaml:6:42: service web: rise 101 exceeds 100; use 1..100",
      "OUT_OF_RANGE lb.yaml:6:53: service web: fall 101 exceeds 100; use 1..100",
      "OUT_OF_RANGE lb.yaml:6:64: service web: port 65536 exceeds 65535; use 1..65535"}},
    {"AHealthCheckIntervalIsAtMostAnHour",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {interval: 61m}
)",
     {"OUT_OF_RANGE lb.yaml:6:30: service web: interval 61m exceeds 1h; use 100ms..1h"}},
    {"AHealthCheckTimeoutIsNotZero",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {timeout: 0s}
)",
     {"OUT_OF_RANGE lb.yaml:6:29: service web: timeout 0ms is less than 1ms; use 1ms..1h"}},
    {"TimeoutsHaveTheirRange",
     Purpose::kDesiredState,
     R"(timeouts: {tcp_established: 25d, udp: 0ms, tcp_close: -1s}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    timeouts: {tcp_syn_recv: 577h}
)",
     {"OUT_OF_RANGE lb.yaml:1:29: timeouts: tcp_established 25d exceeds 24d; use 1ms..24d",
      "OUT_OF_RANGE lb.yaml:1:39: timeouts: udp 0ms is less than 1ms; use 1ms..24d",
      "OUT_OF_RANGE lb.yaml:1:55: timeouts: tcp_close -1s is less than 1ms; use 1ms..24d",
      "OUT_OF_RANGE lb.yaml:7:30: service web: tcp_syn_recv 577h exceeds 24d; use 1ms..24d"}},
    {"SloppyTcpIsOfTcpServices",
     Purpose::kDesiredState,
     R"(services:
  - name: dns
    protocol: udp
    address: 203.0.113.10
    port: 53
    sloppy_tcp: true
)",
     {"CONFLICT lb.yaml:6:17: service dns: sloppy_tcp is given but the protocol is udp; remove the "
      "line; any UDP packet opens a connection"}},
    {"SegmentSizeIsOfTcpServices",
     Purpose::kDesiredState,
     R"(services:
  - {name: dns, protocol: udp, address: 203.0.113.10, port: 53, max_segment_size: 1400}
  - {name: unset, protocol: udp, address: 203.0.113.10, port: 54, max_segment_size: 0}
)",
     {"CONFLICT lb.yaml:2:83: service dns: max_segment_size is given but the protocol is udp; remove the "
      "line; UDP has no segments"}},
    {"SegmentSizeIsOneThatItsFamilyHas",
     Purpose::kDesiredState,
     R"(services:
  - {name: least, protocol: tcp, address: 203.0.113.10, port: 1, max_segment_size: 536}
  - {name: most, protocol: tcp, address: 203.0.113.10, port: 2, max_segment_size: 65495}
  - {name: less, protocol: tcp, address: 203.0.113.10, port: 3, max_segment_size: 535}
  - {name: more, protocol: tcp, address: 203.0.113.10, port: 4, max_segment_size: 65496}
  - {name: least6, protocol: tcp, address: "2001:db8::10", port: 1, max_segment_size: 1220}
  - {name: most6, protocol: tcp, address: "2001:db8::10", port: 2, max_segment_size: 65475}
  - {name: less6, protocol: tcp, address: "2001:db8::10", port: 3, max_segment_size: 1219}
  - {name: more6, protocol: tcp, address: "2001:db8::10", port: 4, max_segment_size: 4294967295}
)",
     {"OUT_OF_RANGE lb.yaml:4:83: service less: max_segment_size 535 is not within 536..65495; give a size in "
      "the range, or 0 for none",
      "OUT_OF_RANGE lb.yaml:5:83: service more: max_segment_size 65496 is not within 536..65495; give a size in "
      "the range, or 0 for none",
      "OUT_OF_RANGE lb.yaml:8:86: service less6: max_segment_size 1219 is not within 1220..65475; give a size in "
      "the range, or 0 for none",
      "OUT_OF_RANGE lb.yaml:9:86: service more6: max_segment_size 4294967295 is not within 1220..65475; give a "
      "size in the range, or 0 for none"}},
    {"AnSctpServiceIsOne",
     Purpose::kDesiredState,
     R"(services:
  - name: mme
    protocol: sctp
    address: 203.0.113.10
    port: 36412
    sloppy_sctp: true
    timeouts: {sctp_init1: 3s, sctp_established: 1h}
    health_check: {port: 8080}
)",
     {}},
    {"SloppinessIsOfItsProtocol",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: sctp, address: 203.0.113.10, port: 1, sloppy_tcp: true}
  - {name: b, protocol: tcp, address: 203.0.113.10, port: 2, sloppy_sctp: true}
  - {name: c, protocol: udp, address: 203.0.113.10, port: 3, sloppy_sctp: true}
)",
     {"CONFLICT lb.yaml:2:75: service a: sloppy_tcp is given but the protocol is sctp; remove the "
      "line, or set sloppy_sctp: true",
      "CONFLICT lb.yaml:3:75: service b: sloppy_sctp is given but the protocol is tcp; remove the "
      "line, or set sloppy_tcp: true",
      "CONFLICT lb.yaml:4:75: service c: sloppy_sctp is given but the protocol is udp; remove the "
      "line; any UDP packet opens a connection"}},
    {"ACheckOfAnSctpServiceNamesItsPort",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: sctp, address: 203.0.113.10, port: 1, health_check: {interval: 5s}}
  - {name: b, protocol: sctp, address: 203.0.113.10, port: 2, health_check: {disabled: true}}
)",
     {"REQUIRED lb.yaml:2:77: service a: the check is a TCP connect, which an SCTP port does not "
      "answer, and port is missing; name a port where the reals answer TCP, or remove the "
      "health_check"}},
    {"SchedulerFlagsAreOfShAndMh",
     Purpose::kDesiredState,
     R"(services:
  - {name: source, protocol: tcp, address: 203.0.113.10, port: 80, scheduler: sh, scheduler_flags: {port: true}}
  - {name: maglev, protocol: tcp, address: 203.0.113.10, port: 81, scheduler: mh, scheduler_flags: {fallback: false}}
)",
     {}},
    {"ConhashHasAPortAndABound",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 80, scheduler: conhash, scheduler_flags: {port: true, load_bound: 101}}
  - {name: b, protocol: udp, address: 203.0.113.10, port: 80, scheduler: conhash, scheduler_flags: {load_bound: 0}}
)",
     {}},
    {"ConhashNeedsNoFallbackAndABoundAboveItsShare",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: conhash
    scheduler_flags: {fallback: false, load_bound: 100}
)",
     {"CONFLICT lb.yaml:7:33: service web: fallback is given but the scheduler is conhash; remove it; "
      "clients of a drained real always go on to another one",
      "OUT_OF_RANGE lb.yaml:7:52: service web: load_bound 100 is not within 101..10000; give a percentage "
      "in the range, or 0 for no bound"}},
    {"OnlyConhashHasABound",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: mh
    scheduler_flags: {load_bound: 125}
)",
     {"CONFLICT lb.yaml:7:35: service web: load_bound is given but the scheduler is not conhash; "
      "remove it, or set scheduler: conhash"}},
    {"ATunnelNeedsItsMethod",
     Purpose::kDesiredState,
     kWeb + R"(    tunnel: {kind: gre}
)",
     {"CONFLICT lb.yaml:6:13: service web: tunnel is given but the method is not tunnel; remove the "
      "lines, or set method: tunnel"}},
    {"ATunnelHasWhatItsKindHas",
     Purpose::kDesiredState,
     kWeb + R"(    method: tunnel
    tunnel: {checksum: full, port: 6080}
)",
     {"CONFLICT lb.yaml:7:24: service web: checksum is full but the kind is ipip, which has none; "
      "remove the line, or set kind: gre or kind: gue",
      "CONFLICT lb.yaml:7:36: service web: port is given but the kind is not gue; remove the line, "
      "or set kind: gue"}},
    {"ATunnelsWordsAreKnown",
     Purpose::kDesiredState,
     kWeb + R"(    method: tunnel
    tunnel: {kind: vxlan, checksum: half}
)",
     {"MALFORMED lb.yaml:7:20: service web: kind \"vxlan\" is not one of ipip, gre and gue; write one "
      "of them",
      "MALFORMED lb.yaml:7:37: service web: checksum \"half\" is not one of none, full and remote; write one of "
      "them"}},
    {"ASchedulerWithoutFlagsTakesNone",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    scheduler: dh
    scheduler_flags: {port: true}
)",
     {"CONFLICT lb.yaml:7:22: service web: scheduler_flags is given but the scheduler is none of "
      "sh, mh and conhash; remove the lines, or set one of these schedulers"}},
    {"TheDefaultSchedulerTakesNoFlags",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler_flags: {fallback: true}
)",
     {"CONFLICT lb.yaml:6:22: service web: scheduler_flags is given but the scheduler is none of "
      "sh, mh and conhash; remove the lines, or set one of these schedulers"}},
    {"AFlagHasIpvssNameWithoutTheSchedulers",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: sh
    scheduler_flags: {sh-port: true}
)",
     {"UNKNOWN_FIELD lb.yaml:7:23: service web: unknown key \"sh-port\"; known here: port, "
      "fallback and load_bound"}},
    {"SchedulerFlagsAreNoList",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: sh
    scheduler_flags: [port]
)",
     {"MALFORMED lb.yaml:7:22: service web: scheduler_flags is a list, not a group of KEY: VALUE "
      "lines; its fields are port, fallback and load_bound"}},
    {"AHealthCheckNeedsASuccessAndAFailure",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {rise: 0, fall: 0}
)",
     {"OUT_OF_RANGE lb.yaml:6:26: service web: rise 0 is less than 1; use 1..100",
      "OUT_OF_RANGE lb.yaml:6:35: service web: fall 0 is less than 1; use 1..100"}},
    {"PersistenceHasItsRanges",
     Purpose::kDesiredState,
     kWeb + R"(    persistence: {timeout: 999ms, ipv4_prefix: 33}
)",
     {"OUT_OF_RANGE lb.yaml:6:28: service web: timeout 999ms is less than 1s; use 1s..24d",
      "OUT_OF_RANGE lb.yaml:6:48: service web: ipv4_prefix 33 exceeds 32; use 1..32"}},
    {"APrefixIsOfTheVipsFamily",
     Purpose::kDesiredState,
     kWeb + R"(    persistence: {ipv6_prefix: 64}
  - {name: six, protocol: tcp, address: 2001:db8::10, port: 80, persistence: {ipv4_prefix: 24}}
)",
     {"CONFLICT lb.yaml:6:32: service web: ipv6_prefix is given but the VIP, 203.0.113.10, is IPv4; "
      "remove the line, or write ipv4_prefix",
      "CONFLICT lb.yaml:7:92: service six: ipv4_prefix is given but the VIP, 2001:db8::10, is IPv6; "
      "remove the line, or write ipv6_prefix"}},
    {"PersistenceMayBeAllDefaults",
     Purpose::kDesiredState,
     kWeb + R"(    persistence: {}
    no_real: reset
)",
     {}},
    {"AnEngineIsForUdp",
     Purpose::kDesiredState,
     kWeb + R"(    persistence: {engine: sip}
  - {name: calls, protocol: udp, address: 203.0.113.11, port: 5060, persistence: {engine: sip}}
)",
     {"CONFLICT lb.yaml:6:27: service web: engine is sip but the protocol is not udp, in which a packet is a message; "
      "remove the line, or set protocol: udp"}},
    {"RemoteChecksumsAreGues",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.11, port: 80, method: tunnel, tunnel: {kind: gre, checksum: remote}}
  - {name: b, protocol: tcp, address: 203.0.113.12, port: 80, method: tunnel, tunnel: {kind: gue, checksum: remote}}
)",
     {"CONFLICT lb.yaml:2:109: service a: checksum is remote but the kind is not gue; write checksum: full with kind: "
      "gre, or set kind: gue"}},
    {"NoRealHasThreeWords",
     Purpose::kDesiredState,
     kWeb + R"(    no_real: ignore
)",
     {"MALFORMED lb.yaml:6:14: service web: no_real \"ignore\" is not one of unreachable, drop and "
      "reset; write one of them"}},
    {"TcpAndUdpMayShareAddressAndPort",
     Purpose::kDesiredState,
     kWeb + R"(  - name: web2
    protocol: udp
    address: 203.0.113.10
    port: 80
)",
     {}},
};

class ValidateServices : public YamlCaseTest {};

TEST_P(ValidateServices, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateServices, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
