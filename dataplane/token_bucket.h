// A rate that several workers share. A bucket is one number: until when what it sold is paid for (the virtual scheduling form
// of the generic cell rate algorithm, ITU-T I.371). A token costs as much time as passes between two of them, and it sells
// while it is paid for no more than the burst ahead; so buying is one compare and exchange, and an idle bucket needs nobody
// to fill it. A worker buys many at once into a purse of its own and spends from there, so that the line that all of them
// write changes once for a batch. What is spent within t ms by all workers together is at most rate * (t + burst) and what
// was in their purses: a batch each.
//
// Owner: a bucket, all workers; a purse, one of them. The workers' clocks began together and count the same cycles.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "dataplane/connection.h"

namespace shunt::dataplane {

// Of the workers' clock: 2^-32 ms. It comes round after 49 days, as Tick does.
using LimitTime = uint64_t;
inline constexpr LimitTime kLimitMs = LimitTime{1} << 32;
inline LimitTime limit_time(Tick now) noexcept { return LimitTime{now} << 32; }

struct Rate {
  LimitTime price = 0;  // of a token; 0: there is no limit
  LimitTime burst = 0;  // at least a token's price
  uint32_t batch = 1;   // tokens that a worker buys at once

  bool is_set() const noexcept { return price != 0; }
};

using Bucket = std::atomic<uint64_t>;  // paid until

// How far ahead of now a bucket is paid for; 0: it has its whole burst. One that was idle for weeks may seem to be ahead.
inline LimitTime ahead_of(uint64_t paid_until, LimitTime burst, LimitTime now) noexcept {
  const auto ahead = static_cast<int64_t>(paid_until - now);
  // Clocks of other workers may be ahead, too, but not by so much.
  constexpr LimitTime kMostSkew = 1000 * kLimitMs;
  return ahead <= 0 || static_cast<uint64_t>(ahead) > burst + kMostSkew ? 0 : static_cast<uint64_t>(ahead);
}

// Tokens that the bucket would sell.
inline uint64_t on_sale(const Bucket& bucket, const Rate& rate, LimitTime now) noexcept {
  const LimitTime ahead = ahead_of(bucket.load(std::memory_order_relaxed), rate.burst, now);
  return ahead >= rate.burst ? 0 : (rate.burst - ahead) / rate.price;
}

// Buys up to `wanted` tokens; returns how many, and writes nothing for none.
inline uint64_t buy(Bucket& bucket, const Rate& rate, LimitTime now, uint64_t wanted) noexcept {
  uint64_t paid_until = bucket.load(std::memory_order_relaxed);
  for (;;) {
    const LimitTime ahead = ahead_of(paid_until, rate.burst, now);
    const uint64_t sold = ahead >= rate.burst ? 0 : std::min((rate.burst - ahead) / rate.price, wanted);
    if (sold == 0) return 0;
    if (bucket.compare_exchange_weak(paid_until, now + ahead + sold * rate.price, std::memory_order_relaxed)) return sold;
  }
}

// One worker's tokens of one bucket.
struct Purse {
  uint64_t tokens = 0;
  // The bucket sold too few at this tick: it will not sell more before the next one.
  Tick dry_at = 0;
  bool is_dry = false;

  // The purse has them, no bucket asked.
  bool pay(uint64_t amount) noexcept {
    if (tokens < amount) return false;
    tokens -= amount;
    return true;
  }
  // False: neither purse nor bucket has so many. What was bought stays in the purse for the next.
  bool spend(Bucket& bucket, const Rate& rate, Tick now, uint64_t amount) noexcept {
    if (pay(amount)) return true;
    if (is_dry && dry_at == now) return false;
    tokens += buy(bucket, rate, limit_time(now), std::max<uint64_t>(rate.batch, amount - tokens));
    is_dry = !pay(amount);
    dry_at = now;
    return !is_dry;
  }
};

}  // namespace shunt::dataplane
