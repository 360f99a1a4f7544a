#include "config/convert_policies.h"

#include "config/duration.h"

namespace shunt::config {

void to_policies(const v1::Service& service, control::Service& out) {
  if (service.has_quorum()) {
    control::Quorum& quorum = out.quorum.emplace();
    if (service.quorum().weight() != 0) quorum.weight = service.quorum().weight();
    quorum.hysteresis = service.quorum().hysteresis();
    if (service.quorum().on_loss() == v1::ON_QUORUM_LOSS_WITHDRAW) quorum.on_loss = control::OnQuorumLoss::kWithdraw;
  }
  if (service.has_slow_start()) out.slow_start = control::Milliseconds(to_ms(service.slow_start()).value());
  out.panic_threshold = service.panic_threshold();
}

void put_policies(const control::Service& service, v1::Service& out) {
  if (service.quorum) *out.mutable_quorum() = to_proto(*service.quorum);
  if (service.slow_start.count() > 0) *out.mutable_slow_start() = to_duration(service.slow_start.count());
  out.set_panic_threshold(service.panic_threshold);
}

v1::Quorum to_proto(const control::Quorum& quorum) {
  v1::Quorum out;
  out.set_weight(quorum.weight);
  out.set_hysteresis(quorum.hysteresis);
  const bool is_sorry = quorum.on_loss == control::OnQuorumLoss::kSorry;
  out.set_on_loss(is_sorry ? v1::ON_QUORUM_LOSS_SORRY : v1::ON_QUORUM_LOSS_WITHDRAW);
  return out;
}

}  // namespace shunt::config
