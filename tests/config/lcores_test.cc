#include "config/lcores.h"

#include <gtest/gtest.h>

namespace shunt::config {
namespace {

TEST(Lcores, KeepTheirOrder) {
  EXPECT_EQ(format_lcores(parse_lcores("2,0,1").list), "2,0,1");
  EXPECT_EQ(format_lcores(parse_lcores("0,4-6,2").list), "0,4,5,6,2");
}

TEST(Lcores, MayShareACpu) {
  EXPECT_EQ(format_lcores(parse_lcores("0@0,1@0,2@1023").list), "0@0,1@0,2@1023");
}

TEST(Lcores, AreRefusedAsAWhole) {
  for (const char* text : {"",    ",",     "0,",  ",0",    "0,,1",  "a",          "0-",
                           "-1",  "0-1-2", "0@",  "@0",    "0@1-2", "0-2@1",      "0 ,1",
                           "0,0", "0-3,2", "128", "0-128", "3-1",   "4294967296", "0@1024"}) {
    const Lcores lcores = parse_lcores(text);
    EXPECT_FALSE(lcores.cause.empty()) << text;
    EXPECT_TRUE(lcores.list.empty()) << text;
  }
}

TEST(Lcores, ReachAsFarAsDpdk) { EXPECT_EQ(parse_lcores("0-127").list.size(), 128U); }

}  // namespace
}  // namespace shunt::config
