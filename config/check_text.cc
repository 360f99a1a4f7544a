#include "config/check_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace shunt::config {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;

std::optional<uint16_t> parse_status(std::string_view digits) {
  uint16_t status = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() != 3)
    return std::nullopt;
  return status >= 100 && status <= 599 ? std::optional(status) : std::nullopt;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<std::vector<control::StatusRange>> parse_statuses(std::string_view text) {
  std::vector<control::StatusRange> ranges;
  for (bool goes_on = true; goes_on;) {
    const size_t comma = text.find(',');
    goes_on = comma != std::string_view::npos;
    const std::string_view part = text.substr(0, comma);
    if (goes_on) text.remove_prefix(comma + 1);
    const size_t dash = part.find('-');
    const auto first = parse_status(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_status(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    ranges.push_back({*first, *last});
  }
  return ranges;
}

std::string to_string(const std::vector<control::StatusRange>& statuses) {
  std::string text;
  for (const control::StatusRange& range : statuses) {
    text += (text.empty() ? "" : ",") + std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

std::optional<std::string> parse_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_of(digits[i]);
    const int low = digit_of(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    digits.push_back(kDigits[byte >> 4]);
    digits.push_back(kDigits[byte & 15]);
  }
  return digits;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_authority(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

bool is_domain_name(std::string_view text) {
  if (text == ".") return true;
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName || !is_printable(text)) return false;
  size_t label = 0;
  for (const char c : text) {
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kMaxLabel || c == ' ') return false;
  }
  return label > 0;
}

}  // namespace shunt::config
