// Round robin: every real with a weight above 0 in turn (Linux ip_vs_rr.c). Weights do not count.
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

// Cursor::position is how many candidates follow the last choice, so that reals added at the list's
// head do not move the place.
void find_place(std::span<const Candidate> candidates, uint32_t generation,
                Cursor& cursor) noexcept {
  const auto count = static_cast<uint32_t>(candidates.size());
  const bool fresh = cursor.generation == 0;
  cursor.generation = generation;
  for (uint32_t i = 0; i < count; ++i) {
    if (candidates[i].id != cursor.last) continue;
    cursor.position = count - 1 - i;
    return;
  }
  if (fresh) {
    cursor.position = static_cast<uint32_t>(uint64_t{cursor.position} * count >> 32);
    return;
  }
  // The last choice is gone: IPVS steps to the one before it, so the ones after it are next.
  if (cursor.position > count) cursor.position = count;
}

RealId pick(const PickContext& context) noexcept {
  const std::span<const Candidate> candidates = context.service.candidates;
  const auto count = static_cast<uint32_t>(candidates.size());
  Cursor& cursor = context.cursor;
  if (cursor.generation != context.service.generation) {
    forget_former(context.service, cursor);
    find_place(candidates, context.service.generation, cursor);
  }
  uint32_t next = count - cursor.position;
  for (uint32_t tried = 0; tried < count; ++tried, ++next) {
    if (next >= count) next = 0;
    if (!is_eligible(context, candidates[next])) continue;
    cursor.position = count - 1 - next;
    cursor.last = candidates[next].id;
    return cursor.last;
  }
  return kNoReal;
}

}  // namespace

const Scheduler kRoundRobin{SchedulerKind::kRr, pick};

}  // namespace shunt::dataplane
