#include "config/lcores.h"

#include <algorithm>
#include <bitset>
#include <charconv>

#include "config/words.h"

namespace shunt::config {
namespace {

std::optional<uint32_t> parse_number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Appends what one entry stands for; the cause when it stands for nothing.
std::string parse_entry(std::string_view entry, std::vector<Lcore>& list) {
  const size_t mark = entry.find_first_of("@-");
  const bool range = mark != std::string_view::npos && entry[mark] == '-';
  const auto first = parse_number(entry.substr(0, mark));
  const auto second = mark == std::string_view::npos ? first : parse_number(entry.substr(mark + 1));
  if (!first || !second)
    return "entry " + in_quotes(entry) + " is neither LCORE, FIRST-LAST nor LCORE@CPU";
  const uint32_t last = range ? *second : *first;
  if (last < *first) return "entry " + in_quotes(entry) + " runs backwards";
  if (last >= kMaxLcores) {
    return "entry " + in_quotes(entry) + " exceeds lcore " + std::to_string(kMaxLcores - 1);
  }
  if (range) {
    for (uint32_t id = *first; id <= last; ++id) list.push_back({id, std::nullopt});
    return "";
  }
  if (mark == std::string_view::npos) {
    list.push_back({*first, std::nullopt});
    return "";
  }
  if (*second >= kMaxCpus)
    return "entry " + in_quotes(entry) + " exceeds CPU " + std::to_string(kMaxCpus - 1);
  list.push_back({*first, *second});
  return "";
}

}  // namespace

Lcores parse_lcores(std::string_view text) {
  Lcores result;
  std::bitset<kMaxLcores> seen;
  size_t checked = 0;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    result.cause = parse_entry(text.substr(begin, comma - begin), result.list);
    for (; result.cause.empty() && checked < result.list.size(); ++checked) {
      const uint32_t id = result.list[checked].id;
      if (seen[id]) result.cause = "lcore " + std::to_string(id) + " is listed twice";
      seen.set(id);
    }
    if (!result.cause.empty()) return {{}, result.cause};
    begin = comma + 1;
  }
  return result;
}

std::string format_lcores(const std::vector<Lcore>& lcores) {
  std::string text;
  for (const Lcore& lcore : lcores) {
    if (!text.empty()) text.push_back(',');
    text.append(std::to_string(lcore.id));
    if (lcore.cpu) text.append("@").append(std::to_string(*lcore.cpu));
  }
  return text;
}

}  // namespace shunt::config
