#include "config/words.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace shunt::config {
namespace {

// More of a wrong value does not help to find it.
constexpr size_t kShownBytes = 64;

// Nobody mistypes a word this long; and what is longer costs the square of its length.
constexpr size_t kLongestWord = 64;

std::string folded(std::string_view word) {
  std::string result;
  for (const char c : word) {
    result.push_back(c == '-' ? '_'
                              : static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return result;
}

// Optimal string alignment distance.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& candidates) {
  if (word.size() > kLongestWord) return std::nullopt;
  const std::string wanted = folded(word);
  std::optional<std::string> best;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const size_t edits = distance(wanted, folded(candidate));
    // A third of the letters may be wrong; a plural or a cut ("service", "sched") is meant as well.
    const bool begins = wanted.size() >= 3 && candidate.compare(0, wanted.size(), wanted) == 0;
    if (edits > std::max(wanted.size(), candidate.size()) / 3 && !begins) continue;
    if (!best || edits < best_distance) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, kShownBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      result.push_back(c);
      continue;
    }
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    result.append(escaped);
  }
  return text.size() > kShownBytes ? result.append("...") : result;
}

std::string in_quotes(std::string_view text) { return "\"" + shown(text) + "\""; }

std::string listed(const std::vector<std::string>& words, std::string_view conjunction) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text.append(i + 1 == words.size() ? " " + std::string(conjunction) + " " : ", ");
    text.append(words[i]);
  }
  return text;
}

}  // namespace shunt::config
