// Integers as they lie in packets: network byte order, a type of its own so that the two never mix.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

namespace shunt {

template <typename T>
constexpr T byte_swap(T value) noexcept {
  static_assert(sizeof(T) == 2 || sizeof(T) == 4);
  if constexpr (std::endian::native == std::endian::big) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  return __builtin_bswap32(value);
}

// `raw` is the value as a packet's memory holds it. Aligned to one byte, since packets' headers are: a header struct
// made of these needs no packing.
template <typename T>
struct [[gnu::packed]] BigEndian {
  T raw = 0;

  static constexpr BigEndian from_host(T value) noexcept { return {byte_swap(value)}; }
  constexpr T host() const noexcept { return byte_swap(raw); }
  constexpr bool operator==(const BigEndian&) const noexcept = default;
  // Numeric order, not memory order.
  constexpr auto operator<=>(const BigEndian& other) const noexcept { return host() <=> other.host(); }
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;

}  // namespace shunt
