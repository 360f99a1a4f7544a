// The rules of limits. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AllOfThem", Purpose::kDesiredState, kWeb6 + R"(    limits:
      new_connections_per_second: 1000
      packets_per_second: 100000
      kilobits_per_second: 1000000
      connections: 50000
      burst: 500ms
      on_excess: reset
      per_client: {new_connections_per_second: 10, connections: 100, burst: 2s, ipv6_prefix: 56, clients: 4096}
)",
     {}},
    {"SomethingIsLimited", Purpose::kDesiredState, kWeb + "    limits: {on_excess: reset}\n",
     {"REQUIRED lb.yaml:6:13: service web: limits limits nothing; give new_connections_per_second, packets_per_second, "
      "kilobits_per_second, connections or per_client, or remove it"}},
    {"OfAClientToo", Purpose::kDesiredState, kWeb + "    limits: {per_client: {clients: 4096}}\n",
     {"REQUIRED lb.yaml:6:26: service web: per_client limits nothing; give new_connections_per_second, packets_per_second, "
      "kilobits_per_second or connections, or remove it"}},
    {"OneClientHasNoMoreThanAll", Purpose::kDesiredState,
     kWeb + "    limits: {connections: 10, per_client: {connections: 11}}\n",
     {"CONFLICT lb.yaml:6:57: service web: connections 11 of a client exceeds that of all, 10; lower it, or remove it"}},
    {"PrefixesAreOfTheFamily", Purpose::kDesiredState,
     kWeb + "    limits: {per_client: {connections: 1, ipv6_prefix: 64}}\n",
     {"CONFLICT lb.yaml:6:56: service web: ipv6_prefix is given but the VIP, 203.0.113.10, is IPv4; remove the line"}},
    {"ABurstIsARates", Purpose::kDesiredState, kWeb + "    limits: {connections: 1, burst: 1s}\n",
     {"CONFLICT lb.yaml:6:37: service web: burst is given but no rate is limited; remove the line, or limit "
      "new_connections_per_second, packets_per_second or kilobits_per_second"}},
    {"OnlyNewConnectionsAreAnswered", Purpose::kDesiredState,
     kWeb + "    limits: {packets_per_second: 1000, on_excess: reset}\n",
     {"CONFLICT lb.yaml:6:51: service web: on_excess is given but new connections are not limited; remove the line; packets "
      "beyond packets_per_second and kilobits_per_second are dropped"}},
    {"ValuesAreInTheirRanges", Purpose::kDesiredState,
     kWeb + "    limits: {kilobits_per_second: 7, connections: 1, burst: 11s}\n",
     {"OUT_OF_RANGE lb.yaml:6:35: service web: kilobits_per_second 7 is less than 8; use 8..1000000000",
      "OUT_OF_RANGE lb.yaml:6:61: service web: burst 11s exceeds 10s; use 10ms..10s"}},
    {"ABadValueIsToldOnce", Purpose::kDesiredState, kWeb + "    limits: {packets_per_second: 0, burst: 1s, on_excess: reset}\n",
     {"OUT_OF_RANGE lb.yaml:6:34: service web: packets_per_second 0 is less than 1; use 1..4000000000"}},
    {"OfAClientToldOnceToo", Purpose::kDesiredState, kWeb + "    limits: {per_client: {packets_per_second: many, burst: 1s}}\n",
     {"MALFORMED lb.yaml:6:47: service web: packets_per_second \"many\" is not a whole number; use 1..4000000000"}},
};

class ValidateLimits : public YamlCaseTest {};

TEST_P(ValidateLimits, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateLimits, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
