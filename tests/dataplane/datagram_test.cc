#include "dataplane/datagram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace shunt::dataplane {
namespace {

using Arrival = Datagram::Arrival;

TEST(Datagram, IsWholeInWhateverOrderItsFragmentsCome) {
  std::vector<uint16_t> begins{0, 1480, 2960, 4440, 5920};
  do {
    Datagram datagram{};
    for (const uint16_t begin : begins) {
      EXPECT_FALSE(datagram.is_whole());
      const bool is_last = begin == 5920;
      const auto end = static_cast<uint16_t>(is_last ? 6001 : begin + 1480);
      ASSERT_EQ(datagram.note({begin, end}, is_last), Arrival::kNew);
      ASSERT_EQ(datagram.note({begin, end}, is_last), Arrival::kDuplicate);
    }
    ASSERT_TRUE(datagram.is_whole());
  } while (std::next_permutation(begins.begin(), begins.end()));
}

struct Contradiction {
  const char* name;
  Stretch piece;
  bool is_last;
  Arrival arrival;
};

// Against a datagram of which [0, 160), [320, 480) and the end, [800, 900), came.
TEST(Datagram, WhatItsFragmentsMayNotBe) {
  const Contradiction table[] = {
      {"reaches into the one behind it", {160, 328}, false, Arrival::kContradicts},
      {"begins in the one before it", {152, 320}, false, Arrival::kContradicts},
      {"joins the one before and reaches into the one behind", {160, 400}, false, Arrival::kContradicts},
      {"lies around one", {240, 560}, false, Arrival::kContradicts},
      {"lies around one's beginning", {240, 480}, false, Arrival::kContradicts},
      {"lies around one's end", {320, 560}, false, Arrival::kContradicts},
      {"lies around all", {0, 800}, false, Arrival::kContradicts},
      {"reaches into the last", {560, 808}, false, Arrival::kContradicts},
      {"reaches beyond the end", {800, 904}, false, Arrival::kContradicts},
      {"lies beyond the end", {904, 1000}, false, Arrival::kContradicts},
      {"another end, before the last one", {560, 600}, true, Arrival::kContradicts},
      {"another end, behind it", {904, 1000}, true, Arrival::kContradicts},
      {"lies within one", {8, 16}, false, Arrival::kDuplicate},
      {"lies at the end of one", {400, 480}, false, Arrival::kDuplicate},
      {"the last once more", {800, 900}, true, Arrival::kDuplicate},
      {"fills the first hole", {160, 320}, false, Arrival::kNew},
      {"fills the second", {480, 800}, false, Arrival::kNew},
      {"stands in a hole alone", {488, 496}, false, Arrival::kNew},
  };
  for (const Contradiction& each : table) {
    Datagram datagram{};
    datagram.note({320, 480}, false);
    datagram.note({800, 900}, true);
    datagram.note({0, 160}, false);
    EXPECT_EQ(datagram.note(each.piece, each.is_last), each.arrival) << each.name;
  }
}

TEST(Datagram, AnEndBeforeWhatCameContradicts) {
  Datagram datagram{};
  datagram.note({160, 320}, false);
  EXPECT_EQ(datagram.note({0, 100}, true), Arrival::kContradicts);
  EXPECT_EQ(datagram.note({160, 320}, true), Arrival::kDuplicate) << "says nothing new";
}

TEST(Datagram, TooManyHolesAreTooScattered) {
  Datagram datagram{};
  for (uint16_t i = 0; i < Datagram::kMostStretches; ++i) {
    const auto begin = static_cast<uint16_t>(i * 16);
    ASSERT_EQ(datagram.note({begin, static_cast<uint16_t>(begin + 8)}, false), Arrival::kNew);
  }
  EXPECT_EQ(datagram.note({1000, 1008}, false), Arrival::kTooScattered);
  EXPECT_EQ(datagram.note({8, 16}, false), Arrival::kNew) << "fills a hole";
  EXPECT_EQ(datagram.note({1000, 1008}, false), Arrival::kNew);
}

// Against a plain model: a flag for each byte that came.
TEST(Datagram, AgreesWithAModelThatCountsBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    Datagram datagram{};
    std::vector<bool> came(256);
    size_t total = 0;
    for (int i = 0; i < 24; ++i) {
      const uint16_t begin = static_cast<uint16_t>(random() % 24 * 8);
      const auto end = static_cast<uint16_t>(begin + (1 + random() % 3) * 8);
      const bool is_last = random() % 12 == 0;
      const auto set = std::count(came.begin() + begin, came.begin() + end, true);
      const bool beyond = std::count(came.begin() + end, came.end(), true) > 0;
      // All of it within one unbroken stretch, or it is no duplicate.
      const bool all = set == end - begin;
      const bool wrong_end = is_last ? (total != 0 && total != end) || beyond : total != 0 && end > total;
      const Arrival expected = wrong_end  ? Arrival::kContradicts
                               : all      ? Arrival::kDuplicate
                               : set != 0 ? Arrival::kContradicts
                                          : Arrival::kNew;
      ASSERT_EQ(datagram.note({begin, end}, is_last), expected) << round << "/" << i;
      if (expected != Arrival::kNew) continue;
      std::fill(came.begin() + begin, came.begin() + end, true);
      if (is_last) total = end;
      const auto whole = total != 0 && std::count(came.begin(), came.end(), true) == static_cast<long>(total);
      ASSERT_EQ(datagram.is_whole(), whole);
    }
  }
}

}  // namespace
}  // namespace shunt::dataplane
