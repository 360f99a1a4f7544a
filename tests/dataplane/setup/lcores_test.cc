#include "dataplane/setup/lcores.h"

#include <gmock/gmock.h>

namespace shunt::dataplane {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string why(std::string_view text) {
  const auto parsed = parse_lcores(text);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(Lcores, ListsRangesAndPlacementsAreRead) {
  EXPECT_THAT(*parse_lcores("0,1,2"), ElementsAre(Lcore{0, 0}, Lcore{1, 1}, Lcore{2, 2}));
  EXPECT_THAT(*parse_lcores("3,5-7"), ElementsAre(Lcore{3, 3}, Lcore{5, 5}, Lcore{6, 6}, Lcore{7, 7}));
  EXPECT_THAT(*parse_lcores("0@4,1@4"), ElementsAre(Lcore{0, 4}, Lcore{1, 4}));
}

TEST(Lcores, WhatEalWouldRefuseIsRefusedWithARemedy) {
  for (const char* text : {"", "0", "0,", "0,x", "0,1@", "0,@1", "0,2-1", "0 ,1", "0,1;2", "0,-1"}) {
    EXPECT_EQ(parse_lcores(text) ? "accepted" : "refused", std::string("refused")) << text;
  }
  EXPECT_THAT(why("0,1,0"), HasSubstr("lcore 0 is there twice"));
  EXPECT_THAT(why("0,1-1,1@0"), HasSubstr("lcore 1 is there twice"));
  EXPECT_THAT(why("7"), HasSubstr("no lcore is left for a worker"));
  EXPECT_THAT(why("0,128"), HasSubstr("lcore 128 is too high"));
  EXPECT_THAT(why("0-65"), HasSubstr("65 workers are more than 64"));
}

TEST(Lcores, EalGetsEachLcoresCpu) { EXPECT_EQ(eal_lcores({{0, 0}, {1, 3}}), "0@0,1@3"); }

TEST(Lcores, ACpuThatDoesNotExistIsNamed) {
  EXPECT_TRUE(check_cpus({{0, 0}, {1, 0}}));
  const auto checked = check_cpus({{0, 0}, {1, 1023}});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(checked.error().message, HasSubstr("CPU 1023 does not exist"));
  EXPECT_FALSE(check_cpus({{0, 0}, {1, 5000}}));
}

}  // namespace
}  // namespace shunt::dataplane
