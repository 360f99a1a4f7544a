// Words for messages: what was typed, made safe to print; what was probably meant. Pure functions;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shunt::config {

// The candidate with the smallest edit distance (insert, remove, replace, swap of neighbours),
// ignoring case and '-' for '_'; nullopt when none is near enough to be meant.
std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& candidates);

// As typed, but printable on one line: control characters escaped, cut after 64 bytes.
std::string shown(std::string_view text);

// shown() in double quotes.
std::string in_quotes(std::string_view text);

// "a, b or c".
std::string listed(const std::vector<std::string>& words, std::string_view conjunction);

}  // namespace shunt::config
