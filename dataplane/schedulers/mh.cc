// Maglev hashing by the client's address (Linux ip_vs_mh.c, after Eisenbud et al., NSDI 2016,
// section 3.4): every real has its own order of preference over the slots of a prime-sized table
// and takes its next free one in turn, so that a change of the set moves few clients. Same hash,
// keys and order as Linux's, so both give a client the same real. With kHashPort the client's port
// counts, too; with kFallback a client whose real is drained goes on to another.
#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "dataplane/schedulers/fold.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"
#include "dataplane/schedulers/siphash.h"

namespace shunt::dataplane {
namespace {

constexpr SipKey kOffsetKey{2654435761, 2654435761};
constexpr SipKey kSkipKey{2654446892, 2654446892};

// A table size and how many bits of weight / gcd it resolves (IP_VS_MH_TAB_INDEX / 2). The first is
// Linux's default, where it refuses more reals than slots; here a service of more gets the next
// one.
struct TableSize {
  uint32_t slots;
  int weight_bits;
};
constexpr std::array<TableSize, 6> kTableSizes{
    {{4093, 6}, {8191, 6}, {16381, 7}, {32749, 7}, {65521, 8}, {131071, 8}}};

constexpr uint32_t kFree = UINT32_MAX;

uint32_t hash_of(const IpAddress& address, Be16 port, SipKey key) noexcept {
  return hsiphash(port.host() + folded(address), key);
}

const TableSize& size_for(size_t reals) noexcept {
  for (const TableSize& size : kTableSizes) {
    if (reals <= size.slots) return size;
  }
  return kTableSizes.back();
}

// How many slots a real takes per turn is its weight by `divisor`, then cut by `shift` bits.
struct Scale {
  uint32_t divisor = 0;  // 0: no real has ever had a weight
  int shift = 0;
};

Scale scale_of(std::span<const Candidate> candidates) noexcept {
  Scale scale;
  uint32_t maximum = 0;
  for (const Candidate& candidate : candidates) {
    scale.divisor = std::gcd(scale.divisor, candidate.table_weight);
    maximum = std::max(maximum, candidate.table_weight);
  }
  if (scale.divisor == 0) return scale;
  const int bits = std::bit_width(maximum / scale.divisor);
  scale.shift = std::max(0, bits - size_for(candidates.size()).weight_bits);
  return scale;
}

uint32_t slots_wanted(std::span<const Candidate> candidates) noexcept {
  return scale_of(candidates).divisor == 0 ? 0 : size_for(candidates.size()).slots;
}

// What fill() keeps of a candidate; lies in the caller's scratch words.
struct Order {
  uint32_t next;   // the slot to try next
  uint32_t skip;   // from one preferred slot to the following
  uint32_t turns;  // slots to take whenever it is its turn
};

Order order_of(const Candidate& candidate, const RealEntry& real, Scale scale,
               uint32_t slots) noexcept {
  const uint32_t turns = (candidate.table_weight / scale.divisor) >> scale.shift;
  return {hash_of(real.address, real.port, kOffsetKey) % slots,
          hash_of(real.address, real.port, kSkipKey) % (slots - 1) + 1,
          turns == 0 && candidate.table_weight != 0 ? 1 : turns};
}

void take_slot(uint32_t candidate, Order& order, std::span<uint32_t> slots) noexcept {
  const auto count = static_cast<uint32_t>(slots.size());
  while (slots[order.next] != kFree) {
    order.next += order.skip;
    if (order.next >= count) order.next -= count;
  }
  slots[order.next] = candidate;
}

void fill(std::span<const Candidate> candidates, std::span<const RealEntry> reals,
          std::span<uint32_t> slots, std::span<uint32_t> scratch) noexcept {
  static_assert(sizeof(Order) <= Scheduler::kScratchPerCandidate * sizeof(uint32_t));
  const Scale scale = scale_of(candidates);
  const auto count = static_cast<uint32_t>(slots.size());
  if (scale.divisor == 0 || count == 0) return;
  auto* orders = reinterpret_cast<Order*>(scratch.data());
  for (size_t i = 0; i < candidates.size(); ++i) {
    orders[i] = order_of(candidates[i], reals[candidates[i].id.index], scale, count);
  }
  std::fill(slots.begin(), slots.end(), kFree);
  for (uint32_t taken = 0;;) {
    for (uint32_t i = 0; i < candidates.size(); ++i) {
      for (uint32_t turn = 0; turn < orders[i].turns; ++turn) {
        take_slot(i, orders[i], slots);
        if (++taken == count) return;
      }
    }
  }
}

bool any_eligible(const PickContext& context) noexcept {
  const std::span<const Candidate> candidates = context.service.candidates;
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](const Candidate& candidate) { return is_eligible(context, candidate); });
}

RealId pick(const PickContext& context) noexcept {
  const std::span<const uint32_t> slots = context.service.slots;
  const std::span<const Candidate> candidates = context.service.candidates;
  if (slots.empty()) return kNoReal;
  const auto count = static_cast<uint32_t>(slots.size());
  const uint8_t flags = context.service.scheduler_flags;
  const uint32_t port = flags & kHashPort ? context.flow.source_port.host() : 0;
  const uint32_t client = port + folded(context.flow.source);
  const uint32_t first = hsiphash(client, kOffsetKey) % count;
  const Candidate& owner = candidates[slots[first]];
  if (is_eligible(context, owner)) [[likely]]
    return owner.id;
  // Its owner is drained or overloaded. Without the second check a service whose reals all are would cost a walk
  // of the table for every new connection.
  if ((flags & kFallback) == 0 || !any_eligible(context)) return kNoReal;
  for (uint32_t offset = 0; offset < count; ++offset) {
    const uint32_t salt = (first + offset) % count;
    const Candidate& other = candidates[slots[hsiphash(salt + client, kOffsetKey) % count]];
    if (is_eligible(context, other)) return other.id;
  }
  return kNoReal;
}

}  // namespace

const Scheduler kMaglev{SchedulerKind::kMh, pick, slots_wanted, fill};

}  // namespace shunt::dataplane
