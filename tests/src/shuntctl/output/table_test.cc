#include "src/shuntctl/output/table.h"

#include <gtest/gtest.h>

#include <algorithm>

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

TEST(StreamedTable, ItsFirstLinesDecideTheWidths) {
  StreamedTable table({{"pro", 3}, {"source", 8}, {"state", 5}}, false);
  EXPECT_EQ(table.line({"TCP", "1.2.3.4", "A"}), "");
  EXPECT_EQ(table.line({"TCP", "[2001:db8::1]", "B"}), "");
  EXPECT_EQ(table.end(),
            "pro source        state\n"
            "TCP 1.2.3.4       A\n"
            "TCP [2001:db8::1] B\n");
}

TEST(StreamedTable, HasItsHeaderOnceEvenWithoutLines) {
  StreamedTable table({{"pro", 3}}, false);
  EXPECT_EQ(table.end(), "pro\n");
  EXPECT_EQ(table.end(), "");
}

TEST(StreamedTable, ALongStreamIsPrintedAsItComes) {
  StreamedTable table({{"source", 8}, {"state", 5}}, false);
  int silent = 0;
  std::string first;
  while (first.empty() && silent < 100000) {
    first = table.line({"1.2.3.4", "A"});
    silent += first.empty() ? 1 : 0;
  }
  EXPECT_EQ(first.substr(0, 31), "source   state\n1.2.3.4  A\n1.2.3");
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), silent + 2);
  EXPECT_EQ(table.line({"1.2.3.4", "B"}), "1.2.3.4  B\n");
  // A wide one moves what follows.
  EXPECT_EQ(table.line({"[2001:db8::1]", "C"}), "[2001:db8::1] C\n");
  EXPECT_EQ(table.line({"1.2.3.4", "D"}), "1.2.3.4       D\n");
  EXPECT_EQ(table.end(), "");
}

}  // namespace
}  // namespace shunt::shuntctl
