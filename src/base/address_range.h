// Addresses that follow one another. Plain values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/address.h"

namespace shunt {

struct AddressRange {
  IpAddress first;
  IpAddress last;  // of the same family, not below it

  auto operator<=>(const AddressRange&) const noexcept = default;
  // "203.0.113.5", "203.0.113.16-203.0.113.31", "203.0.113.16/28" without bits beyond the length. nullopt: malformed, or
  // the last is below the first.
  static std::optional<AddressRange> parse(std::string_view text);
  // A prefix where it is one; parse()'s inverse.
  std::string to_string() const;
  // How many addresses; UINT64_MAX: that many or more.
  uint64_t count() const noexcept;
  bool contains(const IpAddress& address) const noexcept;
  bool overlaps(const AddressRange& other) const noexcept;
};

// The fewest that hold those addresses and no other, in order.
std::vector<Prefix> prefixes_of(const AddressRange& range);
// All of their addresses, in order; REQUIRES that they are few enough for memory.
std::vector<IpAddress> addresses_of(const std::vector<AddressRange>& ranges);

}  // namespace shunt
