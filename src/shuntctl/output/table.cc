#include "src/shuntctl/output/table.h"

#include <algorithm>
#include <utility>

namespace shunt::shuntctl {
namespace {

constexpr std::string_view kGap = "  ";

// Some screens full: what a person sees is aligned, and what is piped on hardly waits.
constexpr size_t kHeldLines = 1000;

// Characters as a terminal counts them, near enough: UTF-8 code points.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

const char* escape_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kBold: return "\033[1m";
    case Tone::kGood: return "\033[32m";
    case Tone::kWarning: return "\033[33m";
    case Tone::kBad: return "\033[31m";
    case Tone::kFaint: return "\033[2m";
  }
  return "";
}

void strip_trailing_blanks(std::string& line) {
  const size_t last = line.find_last_not_of(' ');
  line.erase(last == std::string::npos ? 0 : last + 1);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) c = byte == '\n' || byte == '\t' ? ' ' : '?';
  }
  return result;
}

Tone tone_of_event(std::string_view kind) noexcept {
  if (kind == "real_down" || kind == "real_inhibited" || kind == "quorum_lost" || kind == "panic_began") return Tone::kBad;
  if (kind == "resync") return Tone::kWarning;
  const bool is_good = kind == "real_up" || kind == "quorum_reached" || kind == "panic_ended";
  return is_good ? Tone::kGood : Tone::kPlain;
}

std::string toned(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::kPlain || text.empty()) return std::string(text);
  const bool ends_line = text.back() == '\n';
  if (ends_line) text.remove_suffix(1);
  return escape_of(tone) + std::string(text) + "\033[0m" + (ends_line ? "\n" : "");
}

void Table::header(const std::vector<std::string>& cells) {
  std::vector<Cell> bold;
  bold.reserve(cells.size());
  for (const auto& cell : cells) bold.emplace_back(cell, Tone::kBold);
  rows_.push_back(std::move(bold));
}

void Table::row(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::to_string(bool colour) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  std::string result;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < std::min(row.size(), columns_.size()); ++i) {
      const std::string blanks(widths[i] - width_of(row[i].text), ' ');
      if (i > 0) line += kGap;
      if (columns_[i] == Align::kRight) line += blanks;
      line += toned(row[i].text, row[i].tone, colour);
      if (columns_[i] == Align::kLeft) line += blanks;
    }
    strip_trailing_blanks(line);
    result += line + "\n";
  }
  return result;
}

std::string FixedColumns::header() const {
  std::vector<std::string> titles;
  titles.reserve(columns_.size());
  for (const auto& column : columns_) titles.push_back(column.title);
  return line(titles);
}

std::string FixedColumns::line(const std::vector<std::string>& cells) const {
  std::string result;
  for (size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
    const std::string text = printable(cells[i]);
    result += text;
    const size_t width = width_of(text);
    result.append(width < columns_[i].width ? columns_[i].width - width : 0, ' ');
    result += ' ';
  }
  strip_trailing_blanks(result);
  return result + "\n";
}

void FixedColumns::widen_for(const std::vector<std::string>& cells) {
  for (size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
    columns_[i].width = std::max(columns_[i].width, width_of(printable(cells[i])));
  }
}

std::string StreamedTable::line(std::vector<std::string> cells) {
  columns_.widen_for(cells);
  if (begun_) return columns_.line(cells);
  held_.push_back(std::move(cells));
  return held_.size() == kHeldLines ? end() : "";
}

std::string StreamedTable::end() {
  std::string text;
  if (!std::exchange(begun_, true)) text = toned(columns_.header(), Tone::kBold, colour_);
  for (const auto& cells : std::exchange(held_, {})) text += columns_.line(cells);
  return text;
}

}  // namespace shunt::shuntctl
