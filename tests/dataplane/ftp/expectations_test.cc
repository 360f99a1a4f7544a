#include "dataplane/ftp/expectations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;

constexpr uint32_t kCapacity = 64;
constexpr Tick kNow = 0xffffff00;  // the clock wraps
constexpr Tick kTimeout = 1000;

class Expectations : public testing::Test {
 protected:
  Expectations() {
    const auto bytes = ExpectationTable::bytes_for(kCapacity);
    memory_.reset(std::aligned_alloc(64, bytes));
    std::memset(memory_.get(), 0, bytes);
    table.attach(memory_.get(), kCapacity, HashKey::from_bytes({1, 2, 3}));
  }
  static Expectation to_port(uint16_t port, uint32_t real = 7) {
    Expectation expected;
    expected.from = ip("198.51.100.7");
    expected.to = ip("203.0.113.10");
    expected.port = Be16::from_host(port);
    expected.real = {real};
    return expected;
  }
  auto find(uint16_t port, Tick now = kNow) {
    return table.find(ip("198.51.100.7"), ip("203.0.113.10"), Be16::from_host(port), now);
  }

  std::unique_ptr<void, decltype(&std::free)> memory_{nullptr, &std::free};
  ExpectationTable table;
};

TEST_F(Expectations, IsFoundByItsFirstPacketAndUsedOnce) {
  EXPECT_TRUE(table.is_empty());
  const auto id = table.put(to_port(5000), kNow, kTimeout);
  ASSERT_TRUE(id);
  EXPECT_FALSE(table.is_empty());
  const auto found = find(5000);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->expectation.real, RealId{7});
  EXPECT_EQ(found->expectation.from, ip("198.51.100.7"));
  EXPECT_FALSE(find(5001));
  EXPECT_FALSE(table.find(ip("198.51.100.8"), ip("203.0.113.10"), Be16::from_host(5000), kNow));
  EXPECT_FALSE(table.find(ip("198.51.100.7"), ip("203.0.113.11"), Be16::from_host(5000), kNow));
  EXPECT_TRUE(table.take(found->id));
  EXPECT_FALSE(table.take(found->id));
  EXPECT_FALSE(find(5000));
  EXPECT_TRUE(table.is_empty());
}

TEST_F(Expectations, EndsWithItsTime) {
  ASSERT_TRUE(table.put(to_port(5000), kNow, kTimeout));
  EXPECT_TRUE(find(5000, kNow + kTimeout - 1));
  EXPECT_FALSE(find(5000, kNow + kTimeout));
  EXPECT_TRUE(table.put(to_port(5000, 8), kNow + kTimeout, kTimeout));
  EXPECT_EQ(find(5000, kNow + kTimeout)->expectation.real, RealId{8});
}

TEST_F(Expectations, OnePacketIsExpectedOnce) {
  const auto first = table.put(to_port(5000, 7), kNow, kTimeout);
  EXPECT_FALSE(table.put(to_port(5000, 8), kNow, kTimeout));
  EXPECT_EQ(find(5000)->expectation.real, RealId{7});
  EXPECT_TRUE(table.take(*first));
  EXPECT_TRUE(table.put(to_port(5000, 8), kNow, kTimeout));
  EXPECT_FALSE(table.take(*first)) << "the place is another's";
  EXPECT_TRUE(find(5000));
}

TEST_F(Expectations, FullTableRefusesAndRecovers) {
  std::vector<ExpectationId> ids;
  uint32_t refused = 0;
  for (uint16_t port = 1024; port < 1024 + 4 * kCapacity; ++port) {
    const auto id = table.put(to_port(port), kNow, kTimeout);
    if (id) ids.push_back(*id);
    else ++refused;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GE(ids.size(), kCapacity / 2);
  EXPECT_EQ(table.count(), ids.size());
  for (const ExpectationId id : ids) EXPECT_TRUE(table.take(id));
  EXPECT_TRUE(table.is_empty());
  EXPECT_TRUE(table.put(to_port(1), kNow, kTimeout));
}

// Run under TSan, too.
TEST_F(Expectations, WorkersAtOnceEachTakeWhatNobodyElseDoes) {
  constexpr uint32_t kWorkers = 4;
  constexpr uint32_t kRounds = 2000;
  std::atomic<uint32_t> put{0}, taken{0}, wrong{0};
  std::vector<std::thread> workers;
  for (uint32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (uint32_t i = 0; i < kRounds; ++i) {
        const auto port = static_cast<uint16_t>(1024 + (i * 7 + worker) % 32);
        if (table.put(to_port(port, port), kNow, kTimeout)) put.fetch_add(1);
        const auto found = find(static_cast<uint16_t>(1024 + i % 32));
        if (!found) continue;
        if (found->expectation.real.index != found->expectation.port.host()) wrong.fetch_add(1);
        if (table.take(found->id)) taken.fetch_add(1);
      }
    });
  }
  for (auto& each : workers) each.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(taken, 0u);
  EXPECT_EQ(put - taken, table.count());
}

}  // namespace
}  // namespace shunt::dataplane
