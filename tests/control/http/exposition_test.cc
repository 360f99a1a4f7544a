#include "control/http/exposition.h"

#include <gtest/gtest.h>

namespace shunt::control::http {
namespace {

TEST(Exposition, AFamilyIsItsHeadAndItsSamples) {
  std::string text;
  Exposition out(text);
  out.family("shunt_x_total", "counter", "What x is.");
  out.sample({}, uint64_t{18446744073709551615U});
  out.sample({{"a", "1"}, {"b", "2"}}, 0.25);
  EXPECT_EQ(text,
            "# HELP shunt_x_total What x is.\n# TYPE shunt_x_total counter\n"
            "shunt_x_total 18446744073709551615\nshunt_x_total{a=\"1\",b=\"2\"} 0.25\n");
}

TEST(Exposition, LabelValuesAreEscaped) {
  std::string text;
  Exposition out(text);
  out.family("x", "gauge", "x", false);
  out.sample({{"l", "a\"b\\c\nd"}}, uint64_t{1});
  EXPECT_EQ(text, "x{l=\"a\\\"b\\\\c\\nd\"} 1\n");
}

}  // namespace
}  // namespace shunt::control::http
