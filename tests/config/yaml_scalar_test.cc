// Single values against the types of the schema's fields. Each case: a file, and all that is said
// of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"ATextForANumberIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: http
)",
     {"MALFORMED lb.yaml:5:11: service web: port \"http\" is not a whole number; use 1..65535"}},
    {"AQuotedNumberIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: "80"
)",
     {"MALFORMED lb.yaml:5:11: service web: port \"80\" is text; remove the quotes"}},
    {"AnOctalLookingNumberIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 0080
)",
     {"MALFORMED lb.yaml:5:11: service web: port 0080 begins with 0, which YAML reads as octal; "
      "write 80"}},
    {"AHexadecimalNumberIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 0x50
)",
     {"MALFORMED lb.yaml:5:11: service web: port \"0x50\" is not a whole number; use 1..65535"}},
    {"AFractionIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80.0
)",
     {"MALFORMED lb.yaml:5:11: service web: port \"80.0\" is not a whole number; use 1..65535"}},
    {"ANegativeNumberIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, weight: -1}
)",
     {"OUT_OF_RANGE lb.yaml:7:37: real 10.0.0.1:80 of service web: weight -1 is less than 0; use "
      "0..65535"}},
    {"AZeroThatWouldMeanTheDefaultIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 0
)",
     {"OUT_OF_RANGE lb.yaml:5:11: service web: port 0 is less than 1; use 1..65535"}},
    {"ANumberBeyond32BitsIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 99999999999
)",
     {"OUT_OF_RANGE lb.yaml:5:11: service web: port 99999999999 exceeds 65535; use 1..65535"}},
    {"AWeightBeyond32BitsSaysWhatToDo",
     Purpose::kDesiredState,
     kWeb + R"(    reals:
      - {address: 10.0.0.1, weight: 4294967296}
)",
     {"OUT_OF_RANGE lb.yaml:7:37: real 10.0.0.1:80 of service web: weight 4294967296 exceeds "
      "65535; lower it or split the real"}},
    {"AYesIsNotATruth",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {disabled: yes}
)",
     {"MALFORMED lb.yaml:6:30: service web: disabled \"yes\" is neither true nor false; write true "
      "or false, without quotes"}},
    {"AQuotedTruthIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {disabled: "true"}
)",
     {"MALFORMED lb.yaml:6:30: service web: disabled \"true\" is neither true nor false; write "
      "true or false, without quotes"}},
    {"AWrongEnumValueListsTheRightOnes",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: round_robin
)",
     {"MALFORMED lb.yaml:6:16: service web: scheduler \"round_robin\" is not one of rr, wrr, lc, "
      "wlc, mh, sed, nq, sh, dh, fo, ovf, twos, lblc, lblcr and conhash; write one of them"}},
    {"AnEnumValueInCapitalsIsCorrected",
     Purpose::kDesiredState,
     kWeb + R"(    method: NAT
)",
     {"MALFORMED lb.yaml:6:13: service web: method \"NAT\" is not one of direct, tunnel, nat and "
      "fullnat; write nat"}},
    {"AnUnspecifiedEnumValueIsRefused",
     Purpose::kDesiredState,
     kWeb + R"(    method: unspecified
)",
     {"MALFORMED lb.yaml:6:13: service web: method \"unspecified\" is not one of direct, tunnel, "
      "nat and fullnat; write one of them"}},
    {"ADurationWithoutUnitIsRefused",
     Purpose::kDesiredState,
     R"(timeouts:
  udp: 300
)",
     {"MALFORMED lb.yaml:2:8: timeouts: udp \"300\" has no unit; write 300s for seconds, or ms, m, "
      "h, d"}},
    {"ADurationOfAnotherUnitIsRefused",
     Purpose::kDesiredState,
     R"(timeouts:
  udp: 5min
)",
     {"MALFORMED lb.yaml:2:8: timeouts: udp \"5min\" is not a length of time; write a whole number "
      "and its unit: 1500ms, 5s, 2m, 1h"}},
    {"AFractionOfADurationIsRefused",
     Purpose::kDesiredState,
     R"(timeouts:
  udp: 1.5s
)",
     {"MALFORMED lb.yaml:2:8: timeouts: udp \"1.5s\" is not a length of time; write a whole number "
      "and its unit: 1500ms, 5s, 2m, 1h"}},
    {"ANullScalarIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port:
)",
     {"MALFORMED lb.yaml:5:5: service web: port has no value; give it a value or remove the line"}},
    {"ATildeIsNoName",
     Purpose::kDesiredState,
     R"(services:
  - name: ~
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"MALFORMED lb.yaml:2:11: services[0]: name has no value; give it a value or remove the "
      "line"}},
    {"AnEmptyTextIsRefused",
     Purpose::kDesiredState,
     R"(services:
  - name: ""
    protocol: tcp
    address: 203.0.113.10
    port: 80
)",
     {"MALFORMED lb.yaml:2:11: services[0]: name is empty; give it a value or remove the line"}},
    {"TextTakesWhatWasWritten",
     Purpose::kDesiredState,
     R"(services:
  - name: 010
    protocol: tcp
    address: 203.0.113.10
    port: 80
    reals: [{address: 10.0.0.1, name: yes}, {address: 10.0.0.2, name: "null"}]
)",
     {}},
};

class YamlScalar : public YamlCaseTest {};

TEST_P(YamlScalar, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, YamlScalar, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
