// The rules of sysctls. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"EveryValueInItsRangePasses",
     Purpose::kDesiredState,
     R"(sysctls:
  conn_reuse_mode: 3
  expire_nodest_conn: true
  expire_quiescent_template: true
  sloppy_tcp: true
  sloppy_sctp: true
  secure_tcp: 3
  drop_entry: 1
  drop_packet: 2
  am_droprate: 1000000
  amemthresh: 100
  cache_bypass: false
  nat_icmp_send: true
  schedule_icmp: true
  pmtu_disc: false
  ignore_tunneled: true
  snat_reroute: true
)",
     {}},
    {"NoneNeedsToBeGiven", Purpose::kDesiredState, "sysctls: {}\n", {}},
    {"ModesEndAt3",
     Purpose::kDesiredState,
     R"(sysctls:
  conn_reuse_mode: 4
  secure_tcp: 4
  drop_entry: 4
  drop_packet: 4
)",
     {"OUT_OF_RANGE lb.yaml:2:20: sysctls: conn_reuse_mode 4 exceeds 3; use 0..3",
      "OUT_OF_RANGE lb.yaml:3:15: sysctls: secure_tcp 4 exceeds 3; use 0..3",
      "OUT_OF_RANGE lb.yaml:4:15: sysctls: drop_entry 4 exceeds 3; use 0..3",
      "OUT_OF_RANGE lb.yaml:5:16: sysctls: drop_packet 4 exceeds 3; use 0..3"}},
    {"ARateIsNotZero",
     Purpose::kDesiredState,
     R"(sysctls:
  am_droprate: 0
  amemthresh: 0
)",
     {"OUT_OF_RANGE lb.yaml:2:16: sysctls: am_droprate 0 is less than 1; use 1..1000000",
      "OUT_OF_RANGE lb.yaml:3:15: sysctls: amemthresh 0 is less than 1; use 1..100"}},
    {"APercentageEndsAt100",
     Purpose::kDesiredState,
     "sysctls: {amemthresh: 101}\n",
     {"OUT_OF_RANGE lb.yaml:1:23: sysctls: amemthresh 101 exceeds 100; use 1..100"}},
    {"ASwitchIsTrueOrFalse",
     Purpose::kDesiredState,
     "sysctls: {expire_nodest_conn: 1}\n",
     {"MALFORMED lb.yaml:1:31: sysctls: expire_nodest_conn \"1\" is neither true nor false; write "
      "true or false, without quotes"}},
    {"CacheBypassIsNotToBeHad",
     Purpose::kDesiredState,
     "sysctls: {cache_bypass: true}\n",
     {"UNSUPPORTED lb.yaml:1:25: sysctls: cache_bypass is true, but a VIP is this machine's own "
      "address: nothing lies behind it; remove the line, or set cache_bypass: false"}},
    {"WhatShuntNeverDoesIsRefused",
     Purpose::kDesiredState,
     R"(sysctls:
  ignore_tunneled: false
  snat_reroute: false
)",
     {"UNSUPPORTED lb.yaml:2:20: sysctls: ignore_tunneled is false, but what comes out of a tunnel that ends here is "
      "Linux's and comes to no service; remove the line, or set ignore_tunneled: true",
      "UNSUPPORTED lb.yaml:3:17: sysctls: snat_reroute is false, but a real's answer is routed once, as what it leaves "
      "as; remove the line, or set snat_reroute: true"}},
    {"ANameOfNoSysctlIsRefused",
     Purpose::kDesiredState,
     "sysctls: {drop_entries: 1}\n",
     {"UNKNOWN_FIELD lb.yaml:1:11: sysctls: unknown key \"drop_entries\"; did you mean drop_entry? "
      "known here: conn_reuse_mode, expire_nodest_conn, expire_quiescent_template, sloppy_tcp, "
      "sloppy_sctp, secure_tcp, drop_entry, drop_packet, am_droprate, amemthresh, "
      "cache_bypass, nat_icmp_send, schedule_icmp, pmtu_disc, ignore_tunneled and snat_reroute"}},
};

class ValidateSysctls : public YamlCaseTest {};

TEST_P(ValidateSysctls, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateSysctls, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
