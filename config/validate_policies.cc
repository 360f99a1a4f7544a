#include "config/validate_policies.h"

#include <algorithm>
#include <array>

namespace shunt::config {
namespace {

struct NamedScheduler {
  v1::Scheduler scheduler;
  const char* name;
};
// They do not go by the ratio of weights.
constexpr std::array<NamedScheduler, 5> kWithoutRatio = {{{v1::SCHEDULER_RR, "rr"},
                                                 {v1::SCHEDULER_LC, "lc"},
                                                 {v1::SCHEDULER_DH, "dh"},
                                                 {v1::SCHEDULER_FO, "fo"},
                                                 {v1::SCHEDULER_OVF, "ovf"}}};

}  // namespace

void check_policies(const v1::Service& service, const std::string& at, Problems& problems) {
  const v1::Quorum& quorum = service.quorum();
  const uint32_t weight = std::max(quorum.weight(), 1u);
  if (service.has_quorum() && quorum.hysteresis() >= weight) {
    add(problems, at + ".quorum.hysteresis", reason::kConflict,
        "hysteresis " + std::to_string(quorum.hysteresis()) + " is not below quorum.weight, " + std::to_string(weight),
        "lower it, or raise quorum.weight");
  }
  const bool says_sorry = service.has_quorum() && quorum.on_loss() != v1::ON_QUORUM_LOSS_WITHDRAW;
  if (says_sorry && service.panic_threshold() > 0) {
    add(problems, at + ".panic_threshold", reason::kConflict,
        "panic_threshold is given, and quorum.on_loss is sorry: one gives connections to all reals, the other to none",
        "remove one of them, or set quorum.on_loss: withdraw");
  }
  if (!service.has_slow_start()) return;
  const auto unfit = std::find_if(kWithoutRatio.begin(), kWithoutRatio.end(),
                                  [&](const NamedScheduler& each) { return each.scheduler == service.scheduler(); });
  if (unfit == kWithoutRatio.end()) return;
  add(problems, at + ".slow_start", reason::kConflict,
      std::string("slow_start is given, but scheduler ") + unfit->name + " does not spread by weights",
      "remove the line, or use wrr, wlc, sed, nq, mh, sh, twos, lblc or lblcr");
}

}  // namespace shunt::config
