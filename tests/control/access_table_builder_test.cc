// Access tables against an oracle that asks every prefix: random lists of either family, and the places where stretches
// begin and end.
#include "control/access_table_builder.h"

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <string>

#include "tests/support/families.h"

namespace shunt::control {
namespace {

using test::InBothFamilies;

IpAddress masked(IpAddress address, int length) {
  const int bytes = address.is_v4() ? 4 : 16;
  for (int i = 0; i < bytes; ++i) {
    const int bits = std::clamp(length - 8 * i, 0, 8);
    address.bytes[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> bits);
  }
  return address;
}

struct Lists {
  std::vector<Prefix> allow;
  std::vector<Prefix> deny;
  bool denies_others = false;

  // The longest prefix wins, asked one by one.
  bool denies(const IpAddress& client) const {
    int longest = -1;
    bool denied = denies_others;
    const auto ask = [&](const std::vector<Prefix>& list, bool says) {
      for (const Prefix& prefix : list) {
        if (prefix.address.family != client.family || masked(client, prefix.length) != prefix.address) continue;
        if (prefix.length <= longest) continue;
        longest = prefix.length;
        denied = says;
      }
    };
    ask(allow, false);
    ask(deny, true);
    return denied;
  }
  AccessTableMemory table(AddressFamily family) const { return {{{allow}, {deny}, denies_others}, family}; }
};

class AccessTableBuilder : public InBothFamilies {
 protected:
  int bits() const { return is_v6() ? 128 : 32; }
  // Half of them near each other, so that prefixes lie in each other and end beside each other.
  IpAddress random_address() {
    IpAddress address{GetParam(), {}};
    for (int i = 0; i < bits() / 8; ++i) address.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(random());
    if (random() % 2 == 0) {
      for (int i = 0; i + 2 < bits() / 8; ++i) address.bytes[static_cast<size_t>(i)] = i == 0 ? 0x20 : 0;
    }
    return address;
  }
  // None of them twice.
  Lists random_lists(size_t count) {
    Lists lists;
    lists.denies_others = random() % 2 == 0;
    std::set<Prefix> known;
    while (known.size() < count) {
      const auto length = static_cast<uint8_t>(random() % static_cast<unsigned>(bits() + 1));
      const Prefix prefix{masked(random_address(), length), length};
      if (known.insert(prefix).second) (random() % 2 == 0 ? lists.allow : lists.deny).push_back(prefix);
    }
    return lists;
  }
  static IpAddress next(IpAddress address, int step) {
    for (int i = address.is_v4() ? 3 : 15; i >= 0; --i) {
      uint8_t& byte = address.bytes[static_cast<size_t>(i)];
      const uint8_t before = byte;
      byte = static_cast<uint8_t>(byte + step);
      if (step > 0 ? byte > before : byte < before) return address;
    }
    return address;
  }
  // A prefix's first and last addresses, and those beside them.
  static std::vector<IpAddress> borders(const Prefix& prefix) {
    IpAddress last = prefix.address;
    for (int i = 0; i < (last.is_v4() ? 4 : 16); ++i) {
      const int free_bits = std::clamp(8 * (i + 1) - prefix.length, 0, 8);
      last.bytes[static_cast<size_t>(i)] |= static_cast<uint8_t>((1 << free_bits) - 1);
    }
    return {prefix.address, next(prefix.address, -1), last, next(last, 1)};
  }

  std::mt19937 random{20261127};
};

TEST_P(AccessTableBuilder, SaysWhatTheOracleSays) {
  for (const size_t count : {0, 1, 2, 3, 8, 9, 16, 17, 40, 71, 100, 300, 1000}) {
    const Lists lists = random_lists(count);
    const AccessTableMemory memory = lists.table(GetParam());
    std::vector<IpAddress> asked{IpAddress{GetParam(), {}}, next(IpAddress{GetParam(), {}}, -1)};
    for (const auto* list : {&lists.allow, &lists.deny}) {
      for (const Prefix& prefix : *list) {
        for (const IpAddress& address : borders(prefix)) asked.push_back(address);
      }
    }
    for (int i = 0; i < 2000; ++i) asked.push_back(random_address());
    for (const IpAddress& address : asked) {
      ASSERT_EQ(memory.table().denies(address), lists.denies(address)) << address.to_string() << " of " << count;
    }
  }
}

// So many that the tree has all its levels: single addresses, each second one denied.
TEST_P(AccessTableBuilder, HoldsAHundredThousandPrefixes) {
  Lists lists;
  IpAddress address = *IpAddress::parse(is_v6() ? "2001:db8::" : "10.0.0.0");
  for (int i = 0; i < 100'000; ++i) {
    lists.deny.push_back({address, static_cast<uint8_t>(bits())});
    address = next(next(address, 1), 1);
  }
  const AccessTableMemory memory = lists.table(GetParam());
  EXPECT_EQ(memory.table().levels, is_v6() ? 6 : 5);
  EXPECT_EQ(memory.denied(), 100'000u);
  EXPECT_LT(memory.bytes(), is_v6() ? 4u << 20 : 1u << 20);
  EXPECT_FALSE(memory.table().denies(next(lists.deny.front().address, -1)));
  for (const Prefix& prefix : lists.deny) {
    ASSERT_TRUE(memory.table().denies(prefix.address)) << prefix.to_string();
    ASSERT_FALSE(memory.table().denies(next(prefix.address, 1))) << prefix.to_string();
  }
}

TEST_P(AccessTableBuilder, JoinsNeighboursThatSayTheSame) {
  Lists lists;
  IpAddress address = *IpAddress::parse(is_v6() ? "2001:db8::" : "10.0.0.0");
  for (int i = 0; i < 1000; ++i, address = next(address, 1)) lists.deny.push_back({address, static_cast<uint8_t>(bits())});
  const AccessTableMemory memory = lists.table(GetParam());
  EXPECT_EQ(memory.bytes(), is_v6() ? 128u : 64u);
  EXPECT_TRUE(memory.table().denies(lists.deny.back().address));
  EXPECT_FALSE(memory.table().denies(address));
}

TEST_P(AccessTableBuilder, LeavesTheOtherFamilyOut) {
  Lists lists;
  lists.deny = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  lists.deny.erase(lists.deny.begin() + (is_v6() ? 1 : 0));
  const AccessTableMemory memory = lists.table(GetParam());
  EXPECT_EQ(memory.denied(), 0u);
  EXPECT_FALSE(memory.table().denies(random_address()));
}

INSTANTIATE_TEST_SUITE_P(, AccessTableBuilder, test::kBothFamilies, test::family_name);

}  // namespace
}  // namespace shunt::control
