// The connection hash's key as 32 hexadecimal digits. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shunt::config {

std::optional<std::array<uint8_t, 16>> parse_hash_key(std::string_view text);

}  // namespace shunt::config
