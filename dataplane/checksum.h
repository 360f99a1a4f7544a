// Internet checksums (RFC 1071) and their incremental update (RFC 1624). Sums are over 16-bit words as they lie in
// memory, so nothing here depends on byte order. Pure functions; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/base/byte_order.h"

namespace shunt::dataplane {

// Folds a sum of 16-bit words to one word, carries added back in: a sum and its rotation by half have, in the upper
// half, the two halves' sum with its carry.
constexpr uint16_t fold(uint64_t sum) noexcept {
  const auto half = static_cast<uint32_t>((sum + std::rotr(sum, 32)) >> 32);
  return static_cast<uint16_t>((half + std::rotr(half, 16)) >> 16);
}

// Whether a sum above zero folds to 0xffff, as one over data with its right checksum does: whether 65535 divides it.
// The inverse of an odd number modulo 2^64 makes of its multiples, and of them alone, the numbers up to the largest
// quotient.
constexpr bool is_all_ones(uint64_t sum) noexcept {
  constexpr uint64_t kInverse = 0xfffefffefffeffff;
  static_assert(kInverse * 0xffff == 1);
  return sum * kInverse <= UINT64_MAX / 0xffff;
}

// One's complement addition of eight bytes at a time.
constexpr uint64_t add_with_carry(uint64_t a, uint64_t b) noexcept {
  const uint64_t sum = a + b;
  return sum + (sum < a);
}

// The unfolded sum of `bytes`, continuing from `sum`.
inline uint64_t sum_of(const void* data, size_t bytes, uint64_t sum = 0) noexcept {
  const auto* at = static_cast<const uint8_t*>(data);
#pragma GCC unroll 5
  for (; bytes >= 4; at += 4, bytes -= 4) {
    uint32_t word;
    std::memcpy(&word, at, 4);
    sum += word;
  }
  if (bytes >= 2) {
    uint16_t word;
    std::memcpy(&word, at, 2);
    sum += word;
    at += 2;
    bytes -= 2;
  }
  if (bytes == 1) {
    const uint8_t last[2] = {*at, 0};
    uint16_t word;
    std::memcpy(&word, last, 2);
    sum += word;
  }
  return sum;
}

// The checksum field's value for data whose field is zero.
inline Be16 checksum_of(const void* data, size_t bytes, uint64_t sum = 0) noexcept {
  return {static_cast<uint16_t>(~fold(sum_of(data, bytes, sum)))};
}

// What replacing `from` by `to` adds to a sum: ~m + m' of RFC 1624, equation 3. Deltas add up; fold() before storing.
constexpr uint32_t delta_of(Be32 from, Be32 to) noexcept {
  const uint32_t removed = ~from.raw;
  return (removed & 0xffff) + (removed >> 16) + (to.raw & 0xffff) + (to.raw >> 16);
}
constexpr uint32_t delta_of(Be16 from, Be16 to) noexcept {
  return static_cast<uint16_t>(~from.raw) + uint32_t{to.raw};
}
template <size_t kBytes>
uint32_t delta_of(const std::array<uint8_t, kBytes>& from, const std::array<uint8_t, kBytes>& to) noexcept {
  static_assert(kBytes % 4 == 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < kBytes; i += 4) {
    Be32 removed;
    Be32 added;
    std::memcpy(&removed.raw, from.data() + i, 4);
    std::memcpy(&added.raw, to.data() + i, 4);
    sum += delta_of(removed, added);
  }
  return sum;
}

// The delta that undoes a folded delta.
constexpr uint16_t inverse(uint16_t delta) noexcept { return static_cast<uint16_t>(~delta); }

// What one less in the TTL adds to an IPv4 header's sum: the word (TTL, protocol) loses one in its first byte.
inline constexpr uint16_t kTtlDelta = delta_of(Be16::from_host(0x0100), Be16::from_host(0x0000));

// Updates a checksum field by a folded delta: ~(~checksum + delta) with its carry added back in is a subtraction with its
// borrow taken off once more, two instructions.
constexpr Be16 updated(Be16 checksum, uint16_t delta) noexcept {
  uint16_t difference = 0;
  const bool borrow = __builtin_sub_overflow(checksum.raw, delta, &difference);
  return {static_cast<uint16_t>(difference - borrow)};
}

}  // namespace shunt::dataplane
