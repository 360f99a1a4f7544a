// Failover: all to the heaviest real, the first of equals (Linux ip_vs_fo.c). Its table has one slot.
#include <algorithm>

#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

bool is_lighter(const Candidate& a, const Candidate& b) noexcept { return a.weight < b.weight; }

uint32_t slots_wanted(std::span<const Candidate> candidates) noexcept {
  const auto heaviest = std::max_element(candidates.begin(), candidates.end(), is_lighter);
  return heaviest == candidates.end() || heaviest->weight == 0 ? 0 : 1;
}

void fill(std::span<const Candidate> candidates, std::span<const RealEntry>, std::span<uint32_t> slots,
          std::span<uint32_t>) noexcept {
  if (slots.empty()) return;
  const auto heaviest = std::max_element(candidates.begin(), candidates.end(), is_lighter);
  slots[0] = static_cast<uint32_t>(heaviest - candidates.begin());
}

// Where the heaviest may be overloaded the table does not tell.
RealId heaviest_eligible(const PickContext& context) noexcept {
  const Candidate* heaviest = nullptr;
  for (const Candidate& candidate : context.service.candidates) {
    if (heaviest != nullptr && candidate.weight <= heaviest->weight) continue;
    if (is_eligible(context, candidate)) heaviest = &candidate;
  }
  return heaviest == nullptr ? kNoReal : heaviest->id;
}

RealId pick(const PickContext& context) noexcept {
  if (context.service.has_thresholds) return heaviest_eligible(context);
  const std::span<const uint32_t> slots = context.service.slots;
  return slots.empty() ? kNoReal : context.service.candidates[slots[0]].id;
}

}  // namespace

const Scheduler kFailover{SchedulerKind::kFo, pick, slots_wanted, fill};

}  // namespace shunt::dataplane
