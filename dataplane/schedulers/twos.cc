// Power of two choices (Linux ip_vs_twos.c, after Mitzenmacher, "The Power of Two Choices in Randomized Load
// Balancing"): two reals drawn by weight, and of them the one with the smaller overhead / weight, the first drawn of
// equals. The slot table has, for each candidate, the sum of the weights up to and with its own: a draw is a search.
#include <rte_cycles.h>

#include <algorithm>
#include <bit>

#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

bool is_eligible(const Candidate& candidate) noexcept { return candidate.weight > 0; }

uint32_t slots_wanted(std::span<const Candidate> candidates) noexcept {
  const bool any = std::any_of(candidates.begin(), candidates.end(), is_eligible);
  return any ? static_cast<uint32_t>(candidates.size()) : 0;
}

void fill(std::span<const Candidate> candidates, std::span<const RealEntry>, std::span<uint32_t> slots,
          std::span<uint32_t>) noexcept {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  // Sums of more than 31 bits (Linux's overflow) are cut; a weight above 0 stays above 0.
  const int shift = std::max(0, static_cast<int>(std::bit_width(total)) - 31);
  uint32_t sum = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t weight = candidates[i].weight;
    sum += weight == 0 ? 0 : ((weight - 1) >> shift) + 1;
    slots[i] = sum;
  }
}

// The next of a sequence of the worker's and service's own (Vigna's splitmix64).
uint64_t random_word(Cursor& cursor) noexcept {
  if (cursor.random == 0) [[unlikely]]
    cursor.random = rte_rdtsc();
  cursor.random += 0x9e3779b97f4a7c15;
  uint64_t word = cursor.random;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

// As Linux draws: a number from 0 to the sum of all weights, both included, names the first real up to which the
// weights sum up to no less. So 0 is one more chance for the first of them.
const Candidate& drawn(const ServiceEntry& service, uint32_t random) noexcept {
  const uint64_t choices = uint64_t{service.slots.back()} + 1;
  const uint32_t number = std::max(1u, static_cast<uint32_t>(random * choices >> 32));
  const auto found = std::lower_bound(service.slots.begin(), service.slots.end(), number);
  return service.candidates[static_cast<size_t>(found - service.slots.begin())];
}

// The same where some may be overloaded: the table does not tell.
const Candidate* drawn_of_eligible(const PickContext& context, uint64_t total, uint32_t random) noexcept {
  uint64_t left = random * (total + 1) >> 32;
  for (const Candidate& candidate : context.service.candidates) {
    if (!is_eligible(context, candidate)) continue;
    if (left <= candidate.weight) return &candidate;
    left -= candidate.weight;
  }
  return nullptr;
}

RealId less_loaded(const PickContext& context, const Candidate& one, const Candidate& other) noexcept {
  const uint64_t overhead_of_one = context.loads.expected(one.id).overhead();
  const uint64_t overhead_of_other = context.loads.expected(other.id).overhead();
  return other.weight * overhead_of_one > one.weight * overhead_of_other ? other.id : one.id;
}

RealId pick_eligible(const PickContext& context) noexcept {
  uint64_t total = 0;
  for (const Candidate& candidate : context.service.candidates) {
    if (is_eligible(context, candidate)) total += candidate.weight;
  }
  if (total == 0) return kNoReal;
  const uint64_t random = random_word(context.cursor);
  const Candidate* one = drawn_of_eligible(context, total, static_cast<uint32_t>(random >> 32));
  const Candidate* other = drawn_of_eligible(context, total, static_cast<uint32_t>(random));
  return one == nullptr || other == nullptr ? kNoReal : less_loaded(context, *one, *other);
}

RealId pick(const PickContext& context) noexcept {
  if (context.service.slots.empty()) return kNoReal;
  if (context.service.has_thresholds) return pick_eligible(context);
  const uint64_t random = random_word(context.cursor);
  const Candidate& one = drawn(context.service, static_cast<uint32_t>(random >> 32));
  const Candidate& other = drawn(context.service, static_cast<uint32_t>(random));
  return less_loaded(context, one, other);
}

}  // namespace

const Scheduler kPowerOfTwoChoices{SchedulerKind::kTwos, pick, slots_wanted, fill, true};

}  // namespace shunt::dataplane
