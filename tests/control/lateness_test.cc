#include "control/lateness.h"

#include <gtest/gtest.h>

namespace shunt::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Lateness, TheWorstOfTheLastMinuteIsKeptAndThenForgotten) {
  Lateness lateness;
  const Lateness::Clock::time_point start{seconds(1000)};
  EXPECT_EQ(lateness.worst(start), milliseconds(0));
  lateness.note(start, start + milliseconds(90));
  lateness.note(start + seconds(1), start + seconds(1) + milliseconds(3));
  EXPECT_EQ(lateness.worst(start + seconds(2)), milliseconds(90));
  lateness.note(start + seconds(30), start + seconds(30) + milliseconds(7));
  EXPECT_EQ(lateness.worst(start + seconds(49)), milliseconds(90));
  EXPECT_EQ(lateness.worst(start + seconds(61)), milliseconds(7));
  EXPECT_EQ(lateness.worst(start + seconds(200)), milliseconds(0));
}

}  // namespace
}  // namespace shunt::control
