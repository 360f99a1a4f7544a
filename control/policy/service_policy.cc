#include "control/policy/service_policy.h"

namespace shunt::control {

bool has_quorum(const Quorum& quorum, uint64_t weight_up, std::optional<bool> had) noexcept {
  if (weight_up == 0) return false;
  if (!had) return weight_up >= quorum.weight;
  if (*had) return weight_up + quorum.hysteresis >= quorum.weight;
  return weight_up >= uint64_t{quorum.weight} + quorum.hysteresis;
}

bool panics(uint32_t panic_threshold, const RealsUp& reals) noexcept {
  return reals.wanted > 0 && uint64_t{reals.up} * 100 < uint64_t{reals.wanted} * panic_threshold;
}

ServiceStanding judge(const std::optional<Quorum>& quorum, uint32_t panic_threshold, const RealsUp& reals,
                      const ServiceStanding& before) noexcept {
  ServiceStanding after;
  after.reals = reals;
  after.is_judged = true;
  const auto had = before.is_judged ? std::optional(before.has_quorum) : std::nullopt;
  after.has_quorum = !quorum || has_quorum(*quorum, reals.weight_up, had);
  after.panics = panics(panic_threshold, reals);
  return after;
}

}  // namespace shunt::control
