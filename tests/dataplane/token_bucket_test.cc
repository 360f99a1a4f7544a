#include "dataplane/token_bucket.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace shunt::dataplane {
namespace {

Rate rate_of(uint64_t per_second, uint32_t burst_ms, uint32_t batch = 1) {
  const LimitTime price = (1000 * kLimitMs + per_second - 1) / per_second;
  return {price, std::max(burst_ms * kLimitMs, price), batch};
}

TEST(TokenBucket, HasItsBurstAtFirstAndTheRateFromThenOn) {
  Bucket bucket{0};
  const Rate rate = rate_of(1000, 100);
  const Tick now = 5000;
  EXPECT_EQ(on_sale(bucket, rate, limit_time(now)), 100u);
  EXPECT_EQ(buy(bucket, rate, limit_time(now), 1000), 100u);
  EXPECT_EQ(buy(bucket, rate, limit_time(now), 1), 0u);
  EXPECT_EQ(buy(bucket, rate, limit_time(now + 7), 1000), 7u);
  EXPECT_EQ(buy(bucket, rate, limit_time(now + 5000), 1000), 100u) << "no more than the burst adds up";
}

TEST(TokenBucket, ARateOfOneASecondHasOneAtATime) {
  Bucket bucket{0};
  const Rate rate = rate_of(1, 10);
  EXPECT_EQ(buy(bucket, rate, limit_time(1), 5), 1u);
  EXPECT_EQ(buy(bucket, rate, limit_time(1000), 5), 0u);
  EXPECT_EQ(buy(bucket, rate, limit_time(1002), 5), 1u);
}

// 2^32 ticks are 49 days; a bucket that was last asked half of that ago looks as if it were paid for weeks ahead.
TEST(TokenBucket, TheClockComesRoundAndIdleBucketsAreFull) {
  const Rate rate = rate_of(1000, 100);
  Bucket bucket{limit_time(UINT32_MAX - 50)};
  EXPECT_EQ(buy(bucket, rate, limit_time(UINT32_MAX - 50), 1000), 100u);
  EXPECT_EQ(buy(bucket, rate, limit_time(49), 1000), 100u) << "100 ms later";
  Bucket idle{limit_time(3'000'000'000)};
  EXPECT_EQ(on_sale(idle, rate, limit_time(100'000)), 100u);
}

TEST(TokenBucket, APurseThatIsDryAsksOnceATick) {
  Bucket bucket{0};
  const Rate rate = rate_of(1000, 10, 4);
  Purse purse;
  uint64_t spent = 0;
  for (int i = 0; i < 50; ++i) spent += purse.spend(bucket, rate, 100, 1) ? 1 : 0;
  EXPECT_EQ(spent, 10u);
  bucket.store(0, std::memory_order_relaxed);
  EXPECT_FALSE(purse.spend(bucket, rate, 100, 1)) << "the same tick: the bucket is not asked";
  EXPECT_TRUE(purse.spend(bucket, rate, 101, 1));
}

TEST(TokenBucket, LargePricesSaveUp) {
  Bucket bucket{0};
  const Rate rate = rate_of(1'000'000, 10, 500);  // bytes: 1000 a ms
  Purse purse;
  uint64_t sent = 0;
  for (Tick now = 1000; now < 2000; ++now) {
    if (purse.spend(bucket, rate, now, 9000)) sent += 9000;
  }
  EXPECT_NEAR(static_cast<double>(sent), 1'000'000.0, 20'000.0);
}

// Workers with clocks of the same tick, asking as fast as they can or now and then.
TEST(TokenBucket, TheSumOverWorkersKeepsTheRate) {
  std::mt19937 random(7);
  for (const uint32_t workers : {1u, 3u, 16u}) {
    for (const uint64_t per_second : {10ul, 1000ul, 1'000'000ul}) {
      const uint32_t burst_ms = 50;
      const Rate rate = rate_of(per_second, burst_ms, static_cast<uint32_t>(std::max<uint64_t>(1, per_second / 1000 / workers)));
      Bucket bucket{0};
      std::vector<Purse> purses(workers);
      uint64_t spent = 0;
      constexpr Tick kMs = 2000;
      for (Tick now = 1; now <= kMs; ++now) {
        for (Purse& purse : purses) {
          const uint64_t asked = random() % 2 == 0 ? 0 : 1 + random() % (per_second / 250 + 1);
          for (uint64_t i = 0; i < asked; ++i) spent += purse.spend(bucket, rate, now, 1) ? 1 : 0;
        }
        // At every moment, not at the end alone.
        const uint64_t most = per_second * (now + burst_ms) / 1000 + uint64_t{workers} * rate.batch + 1;
        ASSERT_LE(spent, most) << workers << " workers, " << per_second << "/s, ms " << now;
      }
      if (workers == 1) continue;  // it does not ask for all that there is
      EXPECT_GE(spent, per_second * kMs / 1000 * 95 / 100) << workers << " workers, " << per_second;
    }
  }
}

TEST(TokenBucket, ThreadsBuyNoTokenTwice) {
  Bucket bucket{0};
  const Rate rate = rate_of(1'000'000, 100);
  const uint64_t burst = on_sale(bucket, rate, limit_time(1000));
  EXPECT_NEAR(static_cast<double>(burst), 100'000.0, 1.0) << "a price is rounded up";
  std::atomic<uint64_t> bought{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      uint64_t own = 0;
      for (int j = 0; j < 50'000; ++j) own += buy(bucket, rate, limit_time(1000), 1);
      bought += own;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bought.load(), burst);
}

}  // namespace
}  // namespace shunt::dataplane
