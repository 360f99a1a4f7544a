#include "control/port_losses.h"

#include <gmock/gmock.h>

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr PortLosses::Clock::time_point kStart{seconds(100)};

dataplane::PortStatistics counts(uint64_t missed, uint64_t no_mbuf = 0) {
  dataplane::PortStatistics result;
  result.rx_missed = missed;
  result.rx_no_mbuf = no_mbuf;
  return result;
}

TEST(PortLosses, WhatWasLostBeforeTheFirstLookIsNoNews) {
  PortLosses losses;
  losses.note(0, counts(500), kStart);
  losses.note(0, counts(500), kStart + seconds(1));
  EXPECT_THAT(losses.problems(0, "outside", kStart + seconds(1)), IsEmpty());
}

TEST(PortLosses, ALossIsToldWithItsRemedyForTenSeconds) {
  PortLosses losses;
  losses.note(3, counts(0), kStart);
  losses.note(3, counts(7, 2), kStart + seconds(1));
  EXPECT_THAT(
      losses.problems(3, "outside", kStart + seconds(11)),
      ElementsAre(
          HasSubstr(
              "port outside: its device loses packets that no worker takes in time (7 so far)"),
          HasSubstr("port outside: it finds no packet buffers (2 times so far)")));
  EXPECT_THAT(losses.problems(3, "outside", kStart + seconds(12)), IsEmpty());
  EXPECT_THAT(losses.problems(2, "inside", kStart + seconds(1)), IsEmpty());
}

}  // namespace
}  // namespace shunt::control
