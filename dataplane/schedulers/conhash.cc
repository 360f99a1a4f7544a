// Consistent hashing with bounded loads (Mirrokni et al., "Consistent Hashing with Bounded Loads", SODA 2018; by jumps
// instead of steps along a ring, after Chen et al., "Revisiting Consistent Hashing with Bounded Loads", AAAI 2021). The
// client's address, with kHashPort its port, too, names a slot; where the slot's owner has more than its share, the hash
// names another slot, and so on.
//
// A slot's owner is the real that claims it first. Every real claims slot after slot in an order of its own, one each
// 1/weight of time. So shares are as weights are, and a slot's owner does not depend on those that claim it later: a real
// that leaves gives its slots away and moves no other one, a real that comes, or weighs more, takes slots and gives none.
// Claims follow from addresses and ports alone, with keys that are known: every machine with the same reals has the same
// table, in whatever order and however often they were added.
#include <algorithm>
#include <bit>

#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/locality.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"
#include "dataplane/schedulers/siphash.h"

namespace shunt::dataplane {
namespace {

constexpr SipKey kRealKey{0x636f6e68617368, 0x7265616c};
constexpr SipKey kClientKey{0x636f6e68617368, 0x636c69656e74};

// Steps of Steele's splitmix64 and Fibonacci's number: far from each other in every bit.
constexpr uint64_t kStep = 0x9e3779b97f4a7c15;

constexpr uint32_t kFree = UINT32_MAX;

// As many reals as `reals` have at least 64 slots each on average; the last size is for all that there can be.
struct TableSize {
  size_t reals;
  int bits;
};
constexpr TableSize kTableSizes[] = {{256, 14}, {2048, 17}, {kMaxReals, 20}};

// Slots that are asked for one client before the least loaded real is asked for. Where the bound is 125 %, a slot's owner
// is full in four of five cases at the very worst.
constexpr uint32_t kProbes = 32;

// A connection's worth of Counts::overhead().
constexpr uint64_t kOne = 256;

int bits_for(size_t reals) noexcept {
  for (const TableSize& size : kTableSizes) {
    if (reals <= size.reals) return size.bits;
  }
  return std::end(kTableSizes)[-1].bits;
}

constexpr uint64_t mixed(uint64_t word) noexcept {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

uint64_t hash_of(const IpAddress& address, Be16 port, SipKey key) noexcept {
  SipState state(key);
  state.absorb<1>(__builtin_bswap64(address.first_half()));
  state.absorb<1>(__builtin_bswap64(address.second_half()));
  state.absorb<1>(uint64_t{port.host()} << 8 | (address.is_v4() ? 4 : 6));
  return state.finish<3>();
}

uint64_t sum_of_weights(std::span<const Candidate> candidates) noexcept {
  uint64_t sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.weight;
  return sum;
}

// Half of the words are the owners, the other half are fill()'s; of these pick() finds the sum of weights in the first two.
uint32_t slots_wanted(std::span<const Candidate> candidates) noexcept {
  return sum_of_weights(candidates) == 0 ? 0 : 2u << bits_for(candidates.size());
}

// A real's next claim; lies in the caller's scratch words.
struct Claim {
  uint64_t seed;
  uint64_t number;
};
static_assert(sizeof(Claim) <= Scheduler::kScratchPerCandidate * sizeof(uint32_t));

// Times of claims, in 2^-36 of what a real of weight 1 takes from one to the next.
class Clock {
 public:
  Clock(uint64_t weights, int bits) noexcept {
    // In so much time there are as many claims as slots.
    const uint64_t round = ((uint64_t{1} << (bits + 18)) / weights + 1) << 18;
    window_ = round * 4;
    // 24 rounds leave no slot free, all but surely; they are to fit 32 bits.
    shift_ = std::max(0, static_cast<int>(std::bit_width(round)) + 5 - 32);
  }

  uint64_t window() const noexcept { return window_; }
  // The first comes at any time in its real's first turn.
  static uint64_t time_of(const Claim& claim, uint32_t weight) noexcept {
    const uint64_t turn = (uint64_t{1} << 36) / weight;
    return (turn * (claim.seed >> 48) >> 16) + claim.number * turn;
  }
  uint32_t cut(uint64_t time) const noexcept {
    return static_cast<uint32_t>(std::min<uint64_t>(time >> shift_, UINT32_MAX));
  }

 private:
  uint64_t window_;
  int shift_;
};

// The table while it is filled.
class Claims {
 public:
  Claims(std::span<uint32_t> slots, std::span<uint32_t> scratch, int bits) noexcept
      : owners_(slots.first(slots.size() / 2)),
        times_(slots.subspan(slots.size() / 2)),
        claims_(scratch.data()),
        free_(static_cast<uint32_t>(owners_.size())),
        shift_(64 - bits) {
    std::fill(owners_.begin(), owners_.end(), kFree);
  }

  bool is_full() const noexcept { return free_ == 0; }
  Claim load(uint32_t candidate) const noexcept {
    const uint32_t* words = claims_ + size_t{candidate} * Scheduler::kScratchPerCandidate;
    return {uint64_t{words[1]} << 32 | words[0], uint64_t{words[3]} << 32 | words[2]};
  }
  void store(uint32_t candidate, const Claim& claim) noexcept {
    uint32_t* words = claims_ + size_t{candidate} * Scheduler::kScratchPerCandidate;
    words[0] = static_cast<uint32_t>(claim.seed);
    words[1] = static_cast<uint32_t>(claim.seed >> 32);
    words[2] = static_cast<uint32_t>(claim.number);
    words[3] = static_cast<uint32_t>(claim.number >> 32);
  }

  void claim(uint32_t candidate, const Claim& claim, uint32_t time) noexcept {
    const uint64_t slot = mixed(claim.seed + claim.number * kStep) >> shift_;
    uint32_t& owner = owners_[slot];
    if (owner == kFree) --free_;
    // The order of the list must not matter.
    else if (times_[slot] < time || (times_[slot] == time && load(owner).seed <= claim.seed)) return;
    owner = candidate;
    times_[slot] = time;
  }

 private:
  std::span<uint32_t> owners_;
  std::span<uint32_t> times_;
  uint32_t* claims_;
  uint32_t free_;
  int shift_;
};

void fill(std::span<const Candidate> candidates, std::span<const RealEntry> reals, std::span<uint32_t> slots,
          std::span<uint32_t> scratch) noexcept {
  const uint64_t weights = sum_of_weights(candidates);
  if (weights == 0 || slots.empty()) return;
  const int bits = std::countr_zero(slots.size()) - 1;
  const Clock clock(weights, bits);
  Claims claims(slots, scratch, bits);
  const auto count = static_cast<uint32_t>(candidates.size());
  for (uint32_t i = 0; i < count; ++i) {
    const RealEntry& real = reals[candidates[i].id.index];
    claims.store(i, {hash_of(real.address, real.port, kRealKey), 0});
  }
  for (uint64_t until = clock.window(); !claims.is_full(); until += clock.window()) {
    for (uint32_t i = 0; i < count; ++i) {
      if (candidates[i].weight == 0) continue;
      Claim claim = claims.load(i);
      uint64_t time;
      while ((time = Clock::time_of(claim, candidates[i].weight)) < until) {
        claims.claim(i, claim, clock.cut(time));
        ++claim.number;
      }
      claims.store(i, claim);
    }
  }
  const size_t half = slots.size() / 2;
  slots[half] = static_cast<uint32_t>(weights);
  slots[half + 1] = static_cast<uint32_t>(weights >> 32);
}

// Whether the real would have no more than load_bound percent of its share, rounded up, with one connection more.
bool has_room(const PickContext& context, const Candidate& candidate, uint64_t total, uint64_t weights) noexcept {
  const uint64_t own = context.loads.expected(candidate.id).overhead();
  using Wide = unsigned __int128;
  return Wide{own} * weights * 100 < Wide{total + kOne} * candidate.weight * context.service.load_bound;
}

RealId pick(const PickContext& context) noexcept {
  const ServiceEntry& service = context.service;
  const std::span<const uint32_t> slots = service.slots;
  if (slots.empty()) return kNoReal;
  const size_t half = slots.size() / 2;
  const int shift = 65 - std::countr_zero(slots.size());
  const uint64_t weights = uint64_t{slots[half + 1]} << 32 | slots[half];
  const bool is_bounded = service.load_bound != 0;
  const uint64_t total = is_bounded ? total_load(context, overhead_by_weight) : 0;
  const Be16 port = service.scheduler_flags & kHashPort ? context.flow.source_port : Be16{};
  const uint64_t client = hash_of(context.flow.source, port, kClientKey);
  for (uint32_t probe = 0; probe < kProbes; ++probe) {
    const uint64_t hash = probe == 0 ? client : mixed(client + probe * kStep);
    const Candidate& owner = service.candidates[slots[hash >> shift]];
    if (!is_eligible(context, owner)) continue;
    if (!is_bounded || has_room(context, owner, total, weights)) return owner.id;
  }
  return least_loaded(context, overhead_by_weight);
}

}  // namespace

const Scheduler kConsistentHashing{SchedulerKind::kConhash, pick, slots_wanted, fill, true};

}  // namespace shunt::dataplane
