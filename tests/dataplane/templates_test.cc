#include "dataplane/templates.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

constexpr Tick kTimeout = 300'000;
constexpr RealId kOne{1};
constexpr RealId kTwo{2};

class Templates : public testing::Test {
 protected:
  explicit Templates(uint32_t capacity = 1024) {
    const size_t bytes = (TemplateTable::bytes_for(capacity) + 63) / 64 * 64;
    memory_.reset(std::aligned_alloc(64, bytes));
    std::memset(memory_.get(), 0, bytes);
    table.attach(memory_.get(), capacity, HashKey::from_bytes({1, 2, 3}));
  }

  static TemplateKey client(uint32_t number, ServiceId service = {7}) {
    return TemplateKey::of(IpAddress::from_v4(Be32::from_host(0xc6336400 + number)), 32, service);
  }
  // The scheduler would pick `picked`; every real but `gone` is there.
  Held hold(const TemplateKey& key, RealId picked, RealId gone = kNoReal) {
    return table.hold(
        key, now, kTimeout, [&](RealId real) { return real != kNoReal && real != gone; }, [&] { return picked; });
  }
  std::vector<TemplateCopy> all() const {
    std::vector<TemplateCopy> copies;
    for (uint32_t i = 0; i < table.places(); ++i) {
      if (const auto copy = table.copy_at(i, now)) copies.push_back(*copy);
    }
    return copies;
  }

  TemplateTable table;
  Tick now = 1000;

 private:
  std::unique_ptr<void, decltype(&std::free)> memory_{nullptr, &std::free};
};

TEST(TemplateKey, KeepsThePrefixOfAnAddressOfEitherFamily) {
  const auto kept = [](std::string_view address, uint8_t prefix) {
    return TemplateKey::of(test::ip(address), prefix, {1}).client.to_string();
  };
  EXPECT_EQ(kept("198.51.100.255", 32), "198.51.100.255");
  EXPECT_EQ(kept("198.51.100.255", 24), "198.51.100.0");
  EXPECT_EQ(kept("198.51.100.255", 25), "198.51.100.128");
  EXPECT_EQ(kept("198.51.100.255", 1), "128.0.0.0");
  EXPECT_EQ(kept("198.51.100.255", 0), "0.0.0.0");
  EXPECT_EQ(kept("2001:db8:ffff:ffff::1", 128), "2001:db8:ffff:ffff::1");
  EXPECT_EQ(kept("2001:db8:ffff:ffff::1", 64), "2001:db8:ffff:ffff::");
  EXPECT_EQ(kept("2001:db8:ffff:ffff::1", 49), "2001:db8:ffff:8000::");
}

TEST_F(Templates, AClientKeepsItsReal) {
  EXPECT_EQ(hold(client(1), kOne).real, kOne);
  EXPECT_EQ(hold(client(1), kTwo).real, kOne);
  EXPECT_EQ(hold(client(2), kTwo).real, kTwo) << "another client has its own";
  EXPECT_EQ(hold(client(1, {8}), kTwo).real, kTwo) << "and so has another service";
  EXPECT_EQ(table.peek(client(1), now), kOne);
  EXPECT_EQ(table.peek(client(3), now), kNoReal);
}

TEST_F(Templates, NothingIsRememberedWithoutAReal) {
  const Held held = hold(client(1), kNoReal);
  EXPECT_EQ(held.real, kNoReal);
  EXPECT_EQ(held.by, kNoTemplate);
  EXPECT_TRUE(all().empty());
}

TEST_F(Templates, EachConnectionBeginsTheTimeAnew) {
  const Held held = hold(client(1), kOne);
  now += kTimeout - 1;
  const Held again = hold(client(1), kTwo);
  EXPECT_EQ(again.real, kOne);
  table.let_go(held.by, now, Ending::kWhole);
  table.let_go(again.by, now, Ending::kWhole);
  now += kTimeout - 1;
  EXPECT_EQ(table.peek(client(1), now), kOne);
  now += 1;
  EXPECT_EQ(table.peek(client(1), now), kNoReal);
  EXPECT_EQ(hold(client(1), kTwo).real, kTwo) << "its time is over";
}

TEST_F(Templates, ItLivesAtLeastAsLongAsItsConnections) {
  const Held held = hold(client(1), kOne);
  now += 3 * kTimeout + 5;
  EXPECT_EQ(table.peek(client(1), now), kOne);
  table.let_go(held.by, now, Ending::kWhole);
  // 600,005 ms over: within the eleventh minute that IPVS gives it.
  ASSERT_EQ(all().size(), 1u);
  EXPECT_EQ(all()[0].expires_in_ms, 11 * 60000 - 600005);
  now += 11 * 60000 - 600005;
  EXPECT_TRUE(all().empty());
}

TEST_F(Templates, AnUnavailableRealGivesWayToThePick) {
  hold(client(1), kOne);
  EXPECT_EQ(hold(client(1), kTwo, kOne).real, kTwo);
  EXPECT_EQ(hold(client(1), kOne).real, kTwo) << "the new one is kept, the old one being back";
  ASSERT_EQ(all().size(), 1u);
  EXPECT_EQ(all()[0].connections, 3u) << "those with the old real count, too";
}

TEST_F(Templates, WithoutAPickAnUnavailableRealIsNotForgotten) {
  hold(client(1), kOne);
  EXPECT_EQ(hold(client(1), kNoReal, kOne).real, kNoReal);
  EXPECT_EQ(hold(client(1), kTwo).real, kOne);
}

TEST_F(Templates, AnEvictedHalfOpenConnectionTakesItsTemplateAlong) {
  table.let_go(hold(client(1), kOne).by, now, Ending::kEvicted);
  EXPECT_TRUE(all().empty());
  table.let_go(hold(client(2), kOne).by, now, Ending::kHalfOpen);
  EXPECT_EQ(all().size(), 1u) << "one that timed out does not";
  const Held whole = hold(client(3), kOne);
  const Held evicted = hold(client(3), kOne);
  table.let_go(whole.by, now, Ending::kWhole);
  table.let_go(evicted.by, now, Ending::kEvicted);
  EXPECT_EQ(table.peek(client(3), now), kOne) << "nor one of an assured template";
}

TEST_F(Templates, ForgottenRealsAreNobodys) {
  const Held held = hold(client(1), kOne);
  table.let_go(hold(client(2), kOne).by, now, Ending::kWhole);
  hold(client(3), kTwo);
  const bool gone[] = {false, true};
  table.forget(gone);
  EXPECT_EQ(table.peek(client(1), now), kNoReal);
  EXPECT_EQ(table.peek(client(2), now), kNoReal);
  EXPECT_EQ(table.peek(client(3), now), kTwo);
  EXPECT_EQ(all().size(), 2u) << "one still counts a connection";
  table.let_go(held.by, now, Ending::kWhole);
  EXPECT_EQ(all().size(), 1u);
}

TEST_F(Templates, ListsSayWhoseTheyAre) {
  const TemplateKey v6 = TemplateKey::of(test::ip("2001:db8:1:2:3::4"), 64, {9});
  table.let_go(hold(v6, kTwo).by, now, Ending::kWhole);
  hold(v6, kTwo);
  ASSERT_EQ(all().size(), 1u);
  const TemplateCopy copy = all()[0];
  EXPECT_EQ(copy.key.client.to_string(), "2001:db8:1:2::");
  EXPECT_EQ(copy.key.prefix, 64);
  EXPECT_EQ(copy.key.service, ServiceId{9});
  EXPECT_EQ(copy.real, kTwo);
  EXPECT_EQ(copy.connections, 1u);
  EXPECT_TRUE(copy.assured);
  EXPECT_EQ(copy.expires_in_ms, static_cast<int32_t>(kTimeout));
}

TEST_F(Templates, AnIpv4ClientIsNotTheIpv6OneOfTheSameBytes) {
  hold(TemplateKey::of(test::ip("32.1.13.184"), 32, {1}), kOne);
  EXPECT_EQ(table.peek(TemplateKey::of(test::ip("2001:db8::"), 32, {1}), now), kNoReal);
}

TEST_F(Templates, TimesStayRightAroundTheClocksWrap) {
  const Held held = hold(client(1), kOne);
  hold(client(2), kOne);
  table.let_go(hold(client(3), kOne).by, now, Ending::kWhole);
  for (int week = 0; week < 10; ++week) {
    now += 7u * 24 * 3600 * 1000;
    for (uint32_t line = table.keep_time(0, now); line != 0;) line = table.keep_time(line, now);
  }
  EXPECT_EQ(table.peek(client(1), now), kOne);
  EXPECT_EQ(table.peek(client(3), now), kNoReal);
  table.let_go(held.by, now, Ending::kWhole);
  now += 60000;
  EXPECT_EQ(table.peek(client(1), now), kNoReal);
  EXPECT_EQ(all().size(), 1u);
}

struct SmallTemplates : Templates {
  SmallTemplates() : Templates(64) {}
};

TEST_F(SmallTemplates, AFullTableIsSaidAndTheConnectionGoesWhereItIsPicked) {
  std::set<uint32_t> remembered;
  uint32_t refused = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const Held held = hold(client(i), kOne);
    EXPECT_EQ(held.real, kOne);
    EXPECT_EQ(held.is_full, held.by == kNoTemplate);
    refused += held.is_full ? 1 : 0;
    if (held.is_full) continue;
    EXPECT_TRUE(remembered.insert(held.by.index).second) << "no two share a place";
  }
  EXPECT_EQ(remembered.size() + refused, 1000u);
  EXPECT_EQ(remembered.size(), table.places()) << "with enough clients every place is taken";
  EXPECT_EQ(all().size(), table.places());
}

TEST_F(SmallTemplates, PlacesOfThoseWhoseTimeIsOverAreTakenAgain) {
  for (uint32_t i = 0; i < 1000; ++i) {
    if (const Held held = hold(client(i), kOne); !held.is_full) table.let_go(held.by, now, Ending::kWhole);
  }
  now += kTimeout;
  EXPECT_TRUE(all().empty());
  EXPECT_FALSE(hold(client(5000), kTwo).is_full);
}

// Several workers admit the same clients at once: each client has one real whoever saw it first, and no count is lost.
TEST_F(Templates, WorkersAgreeOnEveryClientsReal) {
  constexpr uint32_t kClients = 200;
  constexpr int kRounds = 200;
  std::atomic<int> wrong{0};
  const auto work = [&](uint32_t worker) {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<Held> held;
      for (uint32_t i = 0; i < kClients; ++i) held.push_back(hold(client(i), RealId{worker + 1}));
      for (uint32_t i = 0; i < kClients; ++i) {
        if (held[i].is_full || table.peek(client(i), now) != held[i].real) ++wrong;
      }
      for (const Held& each : held) table.let_go(each.by, now, Ending::kWhole);
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t worker = 0; worker < 4; ++worker) threads.emplace_back(work, worker);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(all().size(), kClients);
  for (const TemplateCopy& copy : all()) EXPECT_EQ(copy.connections, 0u);
}

// The same while templates come and go at one real's whim, so that places come free between two workers' looks.
TEST_F(SmallTemplates, CountsStayRightWhileTemplatesComeAndGo) {
  const auto work = [&](uint32_t worker) {
    for (uint32_t round = 0; round < 20000; ++round) {
      const Held held = hold(client(round % 97), RealId{worker + 1});
      if (!held.is_full) table.let_go(held.by, now, round % 3 == 0 ? Ending::kWhole : Ending::kEvicted);
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t worker = 0; worker < 4; ++worker) threads.emplace_back(work, worker);
  for (std::thread& thread : threads) thread.join();
  for (const TemplateCopy& copy : all()) EXPECT_EQ(copy.connections, 0u);
}

}  // namespace
}  // namespace shunt::dataplane
