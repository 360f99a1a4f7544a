#include "control/path_mtus.h"

#include <gmock/gmock.h>

#include "tests/support/packet_builder.h"

namespace shunt::control {
namespace {

using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;

class PathMtusTest : public testing::Test {
 protected:
  using Clock = PathMtus::Clock;
  PathMtus paths;
  Clock::time_point start = Clock::now();
};

TEST_F(PathMtusTest, WhatIsLessIsLearned) {
  EXPECT_TRUE(paths.learn({ip("10.0.0.1"), 1400}, start));
  EXPECT_FALSE(paths.learn({ip("10.0.0.1"), 1400}, start)) << "no news";
  EXPECT_FALSE(paths.learn({ip("10.0.0.1"), 1450}, start)) << "an error about a packet sent before";
  EXPECT_TRUE(paths.learn({ip("10.0.0.1"), 1300}, start));
  EXPECT_TRUE(paths.learn({ip("2001:db8::1"), 1400}, start)) << "another path";
}

TEST_F(PathMtusTest, IsForgottenTenMinutesAfterItWasLastHeard) {
  paths.learn({ip("10.0.0.1"), 1400}, start);
  paths.learn({ip("10.0.0.2"), 1400}, start);
  EXPECT_THAT(paths.forget_old(start + std::chrono::minutes(10) - std::chrono::milliseconds(1)), IsEmpty());
  paths.learn({ip("10.0.0.2"), 1400}, start + std::chrono::minutes(9));
  EXPECT_THAT(paths.forget_old(start + std::chrono::minutes(10)), ElementsAre(ip("10.0.0.1")));
  EXPECT_THAT(paths.forget_old(start + std::chrono::minutes(10)), IsEmpty());
  EXPECT_THAT(paths.forget_old(start + std::chrono::minutes(19)), ElementsAre(ip("10.0.0.2")));
  EXPECT_TRUE(paths.learn({ip("10.0.0.1"), 1450}, start + std::chrono::minutes(20))) << "it is tried anew";
}

}  // namespace
}  // namespace shunt::control
