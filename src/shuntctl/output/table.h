// Columns of text, aligned, for a terminal or a pipe. Widths come from all rows, so a table is for lists that are
// short; long ones are streamed in columns of fixed width (see FixedColumns). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shunt::shuntctl {

enum class Align : uint8_t { kLeft, kRight };

enum class Tone : uint8_t { kPlain, kBold, kGood, kWarning, kBad, kFaint };

// Text without control characters: what comes from outside must not drive the terminal.
std::string printable(std::string_view text);

// `text` in the tone's colour when `colour`, else as it is; a final newline stays outside.
std::string toned(std::string_view text, Tone tone, bool colour);

// How an event of this kind looks: news that are bad, or good.
Tone tone_of_event(std::string_view kind) noexcept;

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;

  Cell(std::string content, Tone how = Tone::kPlain) : text(std::move(content)), tone(how) {}  // NOLINT: implicit
  Cell(const char* content) : text(content) {}                                                 // NOLINT: implicit
};

class Table {
 public:
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  // Header lines are bold; there may be several. Missing cells are empty.
  void header(const std::vector<std::string>& cells);
  void row(std::vector<Cell> cells);

  // Each line ends in a newline and has no trailing blanks.
  std::string to_string(bool colour) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<Cell>> rows_;
};

struct FixedColumn {
  std::string title;
  size_t width = 0;
};

// One line at a time, for streams. A value wider than its column pushes the rest of its own line.
class FixedColumns {
 public:
  explicit FixedColumns(std::vector<FixedColumn> columns) : columns_(std::move(columns)) {}

  std::string header() const;
  std::string line(const std::vector<std::string>& cells) const;
  // Makes room for these cells.
  void widen_for(const std::vector<std::string>& cells);

 private:
  std::vector<FixedColumn> columns_;
};

// A stream's table: its first lines are held back and decide the widths, so that long addresses stand in their columns;
// later ones may widen a column from there on. Each call returns what can be printed now.
class StreamedTable {
 public:
  StreamedTable(std::vector<FixedColumn> columns, bool colour) : columns_(std::move(columns)), colour_(colour) {}

  std::string line(std::vector<std::string> cells);
  // What is still held back; the header at least.
  std::string end();

 private:
  FixedColumns columns_;
  bool colour_;
  bool begun_ = false;
  std::vector<std::vector<std::string>> held_;
};

}  // namespace shunt::shuntctl
