// Weighted round robin: passes over the list with a falling threshold, choosing every real whose
// weight reaches it (Linux ip_vs_wrr.c). In bursts: a heavy real gets consecutive picks.
#include <algorithm>
#include <numeric>

#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

// Weights' greatest common divisor and maximum bound the threshold: from `top` down to 1 by `step`.
// As in IPVS every change of the set begins a new pass, at the threshold that was reached.
void begin_pass(std::span<const Candidate> candidates, uint32_t generation,
                Cursor& cursor) noexcept {
  uint32_t step = 0;
  uint32_t maximum = 0;
  for (const Candidate& candidate : candidates) {
    step = std::gcd(step, candidate.weight);
    maximum = std::max(maximum, candidate.weight);
  }
  cursor.generation = generation;
  cursor.position = 0;
  cursor.step = step;
  cursor.top = step == 0 ? 0 : maximum - (step - 1);
  if (cursor.weight > cursor.top || cursor.weight == 0) {
    cursor.weight = cursor.top;
  } else if (step > 1) {
    cursor.weight = cursor.weight / step * step + 1;
  }
}

RealId pick(const PickContext& context) noexcept {
  const std::span<const Candidate> candidates = context.service.candidates;
  Cursor& cursor = context.cursor;
  if (cursor.generation != context.service.generation || cursor.step == 0) {
    begin_pass(candidates, context.service.generation, cursor);
  }
  if (cursor.top == 0) return kNoReal;
  // The heaviest real reaches every threshold, so at most the rest of this pass and one more are
  // walked.
  for (;;) {
    for (uint32_t i = cursor.position; i < candidates.size(); ++i) {
      if (candidates[i].weight < cursor.weight) continue;
      cursor.position = i + 1;
      return candidates[i].id;
    }
    cursor.position = 0;
    cursor.weight = cursor.weight > cursor.step ? cursor.weight - cursor.step : cursor.top;
  }
}

}  // namespace

const Scheduler kWeightedRoundRobin{SchedulerKind::kWrr, pick};

}  // namespace shunt::dataplane
