#include "config/duration.h"

#include <gtest/gtest.h>

namespace shunt::config {
namespace {

TEST(Duration, HasFiveUnits) {
  EXPECT_EQ(parse_duration_ms("1500ms"), 1500);
  EXPECT_EQ(parse_duration_ms("5s"), 5000);
  EXPECT_EQ(parse_duration_ms("2m"), 120000);
  EXPECT_EQ(parse_duration_ms("1h"), 3600000);
  EXPECT_EQ(parse_duration_ms("24d"), 24 * 86400000LL);
  EXPECT_EQ(parse_duration_ms("0s"), 0);
  EXPECT_EQ(parse_duration_ms("-1s"), -1000);
}

TEST(Duration, IsANumberAndAUnit) {
  for (const char* text :
       {"", "5", "s", "5 s", " 5s", "5s ", "1.5s", "5us", "5S", "1h30m", "+5s", "0x5s", "5msx"}) {
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
  }
}

TEST(Duration, DoesNotOverflow) {
  EXPECT_EQ(parse_duration_ms("9223372036854775807d"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("-9223372036854775807d"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("99999999999999999999ms"), std::nullopt);
  EXPECT_EQ(parse_duration_ms("3652500d"), 3652500 * 86400000LL);
  EXPECT_EQ(parse_duration_ms("3652501d"), std::nullopt);
}

TEST(Duration, SurvivesTheWayThroughProtobuf) {
  for (const int64_t ms : {0LL, 1LL, 999LL, 1000LL, 1500LL, -1500LL, 24 * 86400000LL}) {
    EXPECT_EQ(to_ms(to_duration(ms)), ms);
  }
}

TEST(Duration, OfProtobufIsChecked) {
  const auto duration = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration d;
    d.set_seconds(seconds);
    d.set_nanos(nanos);
    return d;
  };
  EXPECT_EQ(to_ms(duration(1, 500'000'000)), 1500);
  EXPECT_EQ(to_ms(duration(1, 1)), std::nullopt);
  EXPECT_EQ(to_ms(duration(1, 1'000'000'000)), std::nullopt);
  EXPECT_EQ(to_ms(duration(0, -1'000'000'000)), std::nullopt);
  EXPECT_EQ(to_ms(duration(1, -1'000'000)), std::nullopt);
  EXPECT_EQ(to_ms(duration(-1, 1'000'000)), std::nullopt);
  EXPECT_EQ(to_ms(duration(INT64_MAX, 0)), std::nullopt);
  EXPECT_EQ(to_ms(duration(INT64_MIN, 0)), std::nullopt);
}

TEST(Duration, IsWrittenInItsLargestWholeUnit) {
  EXPECT_EQ(format_duration_ms(0), "0ms");
  EXPECT_EQ(format_duration_ms(1500), "1500ms");
  EXPECT_EQ(format_duration_ms(90000), "90s");
  EXPECT_EQ(format_duration_ms(120000), "2m");
  EXPECT_EQ(format_duration_ms(3600000), "1h");
  EXPECT_EQ(format_duration_ms(48 * 3600000LL), "2d");
}

}  // namespace
}  // namespace shunt::config
