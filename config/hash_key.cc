#include "config/hash_key.h"

#include <charconv>

namespace shunt::config {

std::optional<std::array<uint8_t, 16>> parse_hash_key(std::string_view text) {
  std::array<uint8_t, 16> key{};
  if (text.size() != 2 * key.size()) return std::nullopt;
  for (size_t i = 0; i < key.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, key[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
  }
  return key;
}

}  // namespace shunt::config
