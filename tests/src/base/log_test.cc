#include "src/base/log.h"

#include <gtest/gtest.h>

namespace shunt {
namespace {

TEST(Log, AJsonLineHasTheTimeInUtcAndEscapesWhatJsonDoesNotTake) {
  EXPECT_EQ(json_line(1'769'860'800'007, "info", "real web/\"a\\b\": down\nand\x01 so"),
            R"({"time":"2026-01-31T12:00:00.007Z","level":"info",)"
            R"("message":"real web/\"a\\b\": down\nand\u0001 so"})");
}

}  // namespace
}  // namespace shunt
