// Keys, lists and groups against the schema's messages. Each case: a file, and all that is said of
// it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AListAtTheTopIsRefused",
     Purpose::kDesiredState,
     R"(- services
)",
     {"MALFORMED lb.yaml:1:1: file: the file is a list, not a group of KEY: VALUE lines; its "
      "fields are dpdk, workers, ports, listener, next_hops, journal, http, logging, probes, timeouts, local_addresses, "
      "services, sysctls, access_lists and snat"}},
    {"AScalarAtTheTopIsRefused",
     Purpose::kDesiredState,
     R"(web
)",
     {"MALFORMED lb.yaml:1:1: file: the file is a single value, not a group of KEY: VALUE lines; "
      "its fields are dpdk, workers, ports, listener, next_hops, journal, http, logging, probes, timeouts, "
      "local_addresses, services, sysctls, access_lists and snat"}},
    {"AnUnknownTopLevelKeyIsNamedWithItsNeighbour",
     Purpose::kDesiredState,
     R"(service: []
)",
     {"UNKNOWN_FIELD lb.yaml:1:1: service: unknown key \"service\"; did you mean services? known "
      "here: dpdk, workers, ports, listener, next_hops, journal, http, logging, probes, timeouts, local_addresses, "
      "services, sysctls, access_lists and snat"}},
    {"AnUnknownKeyFarFromAnyIsListed",
     Purpose::kDesiredState,
     R"(services: []
foo: 1
)",
     {"UNKNOWN_FIELD lb.yaml:2:1: foo: unknown key \"foo\"; known here: dpdk, workers, ports, "
      "listener, next_hops, journal, http, logging, probes, timeouts, local_addresses, services, sysctls, access_lists and snat"}},
    {"AMistypedRequiredKeyIsToldOnce",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    prot: tcp
    adress: 203.0.113.10
    port: 80
)",
     {"UNKNOWN_FIELD lb.yaml:3:5: service web: unknown key \"prot\"; did you mean protocol? known "
      "here: name, protocol, address, port, scheduler, method, reals, health_check, "
      "local_addresses, timeouts, vip_port, sloppy_tcp, scheduler_flags, one_packet, last_port, "
      "all_ports, more_vips, match, persistence, no_real, sorry_reals, tunnel, max_segment_size, sloppy_sctp, quorum, slow_start, panic_threshold, access, limits, client_address, toa_option, uoa_form, uoa_packets and application",
      "UNKNOWN_FIELD lb.yaml:4:5: service web: unknown key \"adress\"; did you mean address? known "
      "here: name, protocol, address, port, scheduler, method, reals, health_check, "
      "local_addresses, timeouts, vip_port, sloppy_tcp, scheduler_flags, one_packet, last_port, "
      "all_ports, more_vips, match, persistence, no_real, sorry_reals, tunnel, max_segment_size, sloppy_sctp, quorum, slow_start, panic_threshold, access, limits, client_address, toa_option, uoa_form, uoa_packets and application"}},
    {"AKeyOfAnotherLevelIsUnknownHere",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, method: nat}
)",
     {"UNKNOWN_FIELD lb.yaml:7:29: real 10.0.0.1:80 of service web: unknown key \"method\"; known "
      "here: name, address, port, weight, weight_before_drain, upper_threshold, "
      "lower_threshold and tunnel"}},
    {"ADuplicateKeyNamesTheFirst",
     Purpose::kDesiredState,
     kWeb + R"(    port: 81
)",
     {"DUPLICATE lb.yaml:6:5: service web: port is already given on line 5; keep one of the two"}},
    {"ADuplicateTopLevelKeyIsRefused",
     Purpose::kDesiredState,
     R"(services: []
services: []
)",
     {"DUPLICATE lb.yaml:2:1: services: services is already given on line 1; keep one of the two"}},
    {"AMergeKeyIsRefused",
     Purpose::kDesiredState,
     R"(timeouts: &t {udp: 5s}
services:
  - <<: *t
    name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"UNSUPPORTED lb.yaml:3:5: service web: merge keys (<<) are not supported; repeat the "
      "fields"}},
    {"AListForAScalarIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: [80]
)",
     {"MALFORMED lb.yaml:5:11: service web: port is a list, not a single value; write port: "
      "VALUE"}},
    {"AGroupForAScalarIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: {tcp: 80}
)",
     {"MALFORMED lb.yaml:5:11: service web: port is a group of KEY: VALUE lines, not a single "
      "value; write port: VALUE"}},
    {"AGroupForADurationIsRefused",
     Purpose::kDesiredState,
     R"(timeouts:
  udp: {seconds: 5}
)",
     {"MALFORMED lb.yaml:2:8: timeouts: udp is a group of KEY: VALUE lines, not a single value; "
      "write udp: VALUE"}},
    {"AScalarForAListIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    reals: 10.0.0.1
)",
     {"MALFORMED lb.yaml:6:12: service web: reals is a single value, not a list; begin each entry "
      "with '- '"}},
    {"AGroupForAListIsRefused",
     Purpose::kDesiredState,
     R"(services:
  name: web
)",
     {"MALFORMED lb.yaml:2:3: services: services is a group of KEY: VALUE lines, not a list; begin "
      "each entry with '- '"}},
    {"AScalarForAGroupIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: tcp
)",
     {"MALFORMED lb.yaml:6:19: service web: health_check is a single value, not a group of KEY: "
      "VALUE lines; its fields are disabled, interval, timeout, rise, fall, port, tcp, http, https, "
      "udp, dns, icmp, grpc, exec, jitter, down_interval, through and passive"}},
    {"AScalarAsListEntryIsRefusedOnce",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - 10.0.0.1:80
)",
     {"MALFORMED lb.yaml:7:9: reals[0] of service web: reals[0] is a single value, not a group of "
      "KEY: VALUE lines; its fields are name, address, port, weight, weight_before_drain, upper_threshold, "
      "lower_threshold and tunnel"}},
    {"ANullEntryIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      -
)",
     {"MALFORMED lb.yaml:7:7: reals[0] of service web: reals[0] is nothing, not a group of KEY: "
      "VALUE lines; its fields are name, address, port, weight, weight_before_drain, upper_threshold, "
      "lower_threshold and tunnel"}},
    {"AListInAListOfTextsIsRefused",
     Purpose::kDesiredState,
     R"(local_addresses:
  - name: pool
    addresses: [[10.0.0.1], ~, ""]
)",
     {"MALFORMED lb.yaml:3:17: local address pool pool: addresses is a list, not a single value; "
      "write addresses: VALUE",
      "MALFORMED lb.yaml:3:29: local address pool pool: addresses has no value; give it a value or "
      "remove the line",
      "MALFORMED lb.yaml:3:32: local address pool pool: addresses is empty; give it a value or "
      "remove the line"}},
    {"EveryProblemOfAFileIsToldInItsOrder",
     Purpose::kDesiredState,
     R"(timeouts:
  udp: 5
services:
  - name: web
    protocol: dccp
    address: 203.0.113.300
    port: 99999
    reals:
      - {address: 10.0.0.1, weight: 90000}
      - {adress: 10.0.0.2}
)",
     {"MALFORMED lb.yaml:2:8: timeouts: udp \"5\" has no unit; write 5s for seconds, or ms, m, h, "
      "d",
      "MALFORMED lb.yaml:5:15: service web: protocol \"dccp\" is not one of tcp, udp and sctp; write "
      "one of them",
      "MALFORMED lb.yaml:6:14: service web: address \"203.0.113.300\" is not an IP address; write "
      "it as in 192.0.2.1 or 2001:db8::1",
      "OUT_OF_RANGE lb.yaml:7:11: service web: port 99999 exceeds 65535; use 1..65535",
      "OUT_OF_RANGE lb.yaml:9:37: real 10.0.0.1:99999 of service web: weight 90000 exceeds 65535; "
      "lower it or split the real",
      "UNKNOWN_FIELD lb.yaml:10:10: reals[1] of service web: unknown key \"adress\"; did you mean "
      "address? known here: name, address, port, weight, weight_before_drain, upper_threshold, "
      "lower_threshold and tunnel"}},
    {"AProblemInsideAnAliasIsToldWhereTheValueStands",
     Purpose::kDesiredState,
     R"(services:
  - &web
    name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
  - *web
)",
     {"DUPLICATE lb.yaml:7:5: service web: name \"web\" is another service's; give each service "
      "its own name",
      "DUPLICATE lb.yaml:7:5: service web: protocol, address and port are those of service web; "
      "change one of them or join the two services"}},
    {"ControlCharactersAreNotPrinted",
     Purpose::kDesiredState,
     R"(services:
  - name: "we\u001b[31mb"
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"MALFORMED lb.yaml:2:11: service we\\x1b[31mb: name \"we\\x1b[31mb\" contains \"\\x1b\"; use "
      "1..63 characters of [a-zA-Z0-9_.-]"}},
    {"TheMachinePartIsDecodedButNotJudgedForApply",
     Purpose::kDesiredState,
     R"(ports:
  - {name: BAD NAME, mtu: 5}
services: []
)",
     {}},
    {"TheMachinePartsUnknownKeysAreToldForApply",
     Purpose::kDesiredState,
     R"(dpdk: {lcore: "0,1"}
services: []
)",
     {"UNKNOWN_FIELD lb.yaml:1:8: dpdk: unknown key \"lcore\"; did you mean lcores? known here: "
      "lcores, memory_mb, huge_pages, file_prefix and extra_args"}},
    {"AWrittenNullEntryHasItsPlace",
     Purpose::kDesiredState,
     kWeb + R"(    reals: [~]
)",
     {"MALFORMED lb.yaml:6:13: reals[0] of service web: reals[0] is nothing, not a group of KEY: "
      "VALUE lines; its fields are name, address, port, weight, weight_before_drain, upper_threshold, "
      "lower_threshold and tunnel"}},
    {"CommentedOutPartsAreTheirDefaults",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
    # - address: 10.0.0.1
    health_check:
    #  interval: 5s
)",
     {}},
};

class YamlDecode : public YamlCaseTest {};

TEST_P(YamlDecode, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, YamlDecode, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
