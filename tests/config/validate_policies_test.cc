// The rules of quorum, slow start and panic. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AllOfThemTogether", Purpose::kDesiredState, kWeb6 + R"(    scheduler: wrr
    quorum: {weight: 3, hysteresis: 2, on_loss: withdraw}
    slow_start: 30s
    panic_threshold: 50
)",
     {}},
    {"AQuorumNeedsNoMore", Purpose::kDesiredState, kWeb + "    quorum: {}\n", {}},
    {"HysteresisIsBelowTheQuorum",
     Purpose::kDesiredState,
     kWeb + "    quorum: {weight: 2, hysteresis: 2}\n",
     {"CONFLICT lb.yaml:6:37: service web: hysteresis 2 is not below quorum.weight, 2; lower it, or raise "
      "quorum.weight"}},
    {"PanicAndSorryContradictEachOther",
     Purpose::kDesiredState,
     kWeb + R"(    quorum: {weight: 2}
    panic_threshold: 50
)",
     {"CONFLICT lb.yaml:7:22: service web: panic_threshold is given, and quorum.on_loss is sorry: one gives "
      "connections to all reals, the other to none; remove one of them, or set quorum.on_loss: withdraw"}},
    {"PanicIsAPercentage",
     Purpose::kDesiredState,
     kWeb + "    panic_threshold: 101\n",
     {"OUT_OF_RANGE lb.yaml:6:22: service web: panic_threshold 101 exceeds 100; use 0..100"}},
    {"SlowStartGoesByWeights",
     Purpose::kDesiredState,
     kWeb + R"(    scheduler: rr
    slow_start: 30s
)",
     {"CONFLICT lb.yaml:7:17: service web: slow_start is given, but scheduler rr does not spread by weights; "
      "remove the line, or use wrr, wlc, sed, nq, mh, sh, twos, lblc or lblcr"}},
    {"SlowStartHasALength",
     Purpose::kDesiredState,
     kWeb + "    slow_start: 2h\n",
     {"OUT_OF_RANGE lb.yaml:6:17: service web: slow_start 2h exceeds 1h; use 1s..1h"}},
};

class ValidatePolicies : public YamlCaseTest {};

TEST_P(ValidatePolicies, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidatePolicies, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
