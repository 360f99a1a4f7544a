#include "src/shuntctl/output/table.h"

#include <gtest/gtest.h>

namespace shunt::shuntctl {
namespace {


TEST(Table, AlignsColumnsByTheirWidestCellAndLeavesNoTrailingBlanks) {
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  table.header({"Name", "Count", "Note"});
  table.row({"a", "1", ""});
  table.row({"longer", "123456", "x"});
  EXPECT_EQ(table.to_string(false),
            "Name     Count  Note\n"
            "a            1\n"
            "longer  123456  x\n");
}

TEST(Table, ColourDoesNotCountAsWidth) {
  Table table({Align::kLeft, Align::kLeft});
  table.row({{"up", Tone::kGood}, "x"});
  table.row({"down", "y"});
  EXPECT_EQ(table.to_string(true),
            "\033[32mup\033[0m    x\n"
            "down  y\n");
}

TEST(Table, ALinesColourEndsBeforeItsNewline) {
  EXPECT_EQ(toned("down\n", Tone::kBad, true), "\033[31mdown\033[0m\n");
  EXPECT_EQ(toned("down\n", Tone::kBad, false), "down\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({Align::kLeft, Align::kLeft});
  table.row({"\xc3\xa4\xc3\xb6", "x"});
  table.row({"abc", "y"});
  EXPECT_EQ(table.to_string(false), "\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

TEST(Table, WhatComesFromOutsideCannotDriveTheTerminal) {
  Table table({Align::kLeft});
  table.row({"a\033[2Jb\nc"});
  EXPECT_EQ(table.to_string(false), "a?[2Jb c\n");
}

TEST(FixedColumns, AWideValuePushesOnlyTheRestOfItsLine) {
  const FixedColumns columns({{"pro", 3}, {"source", 8}, {"state", 5}});
  EXPECT_EQ(columns.header(), "pro source   state\n");
  EXPECT_EQ(columns.line({"TCP", "1.2.3.4", "A"}), "TCP 1.2.3.4  A\n");
  EXPECT_EQ(columns.line({"TCP", "1.2.3.4:5678", "A"}), "TCP 1.2.3.4:5678 A\n");
}

}  // namespace
}  // namespace shunt::shuntctl
