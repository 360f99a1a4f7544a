// An address as 32 bits, for schedulers that hash it as Linux does (ip_vs_mh.c ip_vs_mh_hashkey and its likes). Pure;
// any thread.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/snapshot.h"
#include "src/base/address.h"
#include "src/base/byte_order.h"

namespace shunt::dataplane {

// The exclusive or of an IPv6 address's four words, or an IPv4 address itself: its other words are zero.
inline uint32_t folded(const IpAddress& address) noexcept {
  const uint64_t halves = address.first_half() ^ address.second_half();
  return Be32{static_cast<uint32_t>(halves) ^ static_cast<uint32_t>(halves >> 32)}.host();
}

// The upper eight bits of the product: Linux's hash_32(value, 8) (include/linux/hash.h), for tables of 256 slots.
constexpr uint32_t hash_to_256(uint32_t value) noexcept { return (value * 0x61c88647u) >> 24; }

// Those tables (IP_VS_SH_TAB_SIZE, IP_VS_DH_TAB_SIZE).
inline constexpr uint32_t kSlotsOf256 = 256;
inline uint32_t slots_of_256(std::span<const Candidate> candidates) noexcept {
  return candidates.empty() ? 0 : kSlotsOf256;
}

}  // namespace shunt::dataplane
