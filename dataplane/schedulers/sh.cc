// Source hashing (Linux ip_vs_sh.c): the client's address names a slot of 256, which the reals take in list order, each
// as many in a row as its weight, around and around; with kHashPort its port counts, too. A drained real keeps one
// slot, whose clients are turned away, or go on to another real with kFallback; so are those of an overloaded one.
#include "dataplane/schedulers/fold.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

void fill(std::span<const Candidate> candidates, std::span<const RealEntry>, std::span<uint32_t> slots,
          std::span<uint32_t>) noexcept {
  uint32_t candidate = 0;
  uint32_t taken = 0;
  for (uint32_t& slot : slots) {
    slot = candidate;
    if (++taken < candidates[candidate].weight) continue;
    taken = 0;
    if (++candidate == candidates.size()) candidate = 0;
  }
}

RealId pick(const PickContext& context) noexcept {
  const ServiceEntry& service = context.service;
  if (service.slots.empty()) return kNoReal;
  const uint32_t port = service.scheduler_flags & kHashPort ? context.flow.source_port.host() : 0;
  const uint32_t first = hash_to_256(port + folded(context.flow.source));
  const Candidate& owner = service.candidates[service.slots[first]];
  if (is_eligible(context, owner)) [[likely]]
    return owner.id;
  if ((service.scheduler_flags & kFallback) == 0) return kNoReal;
  for (uint32_t offset = 0; offset < kSlotsOf256; ++offset) {
    // Linux adds its offset to the hash that it begins from.
    const Candidate& other = service.candidates[service.slots[(2 * first + offset) % kSlotsOf256]];
    if (is_eligible(context, other)) return other.id;
  }
  return kNoReal;
}

}  // namespace

const Scheduler kSourceHashing{SchedulerKind::kSh, pick, slots_of_256, fill};

}  // namespace shunt::dataplane
