// Destination hashing (Linux ip_vs_dh.c): the service's address names a slot of 256, which the reals take in list
// order, one each, around and around. Weights do not count, but a real of weight 0 turns its clients away.
#include "dataplane/schedulers/fold.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

void fill(std::span<const Candidate> candidates, std::span<const RealEntry>, std::span<uint32_t> slots,
          std::span<uint32_t>) noexcept {
  for (uint32_t i = 0; i < slots.size(); ++i) slots[i] = i % static_cast<uint32_t>(candidates.size());
}

RealId pick(const PickContext& context) noexcept {
  const ServiceEntry& service = context.service;
  if (service.slots.empty()) return kNoReal;
  const Candidate& owner = service.candidates[service.slots[hash_to_256(folded(context.flow.destination))]];
  return is_eligible(context, owner) ? owner.id : kNoReal;
}

}  // namespace

const Scheduler kDestinationHashing{SchedulerKind::kDh, pick, slots_of_256, fill};

}  // namespace shunt::dataplane
