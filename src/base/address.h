// Addresses of layers 2 and 3, their text forms, and prefixes. Plain values; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/byte_order.h"

namespace shunt {

struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  constexpr auto operator<=>(const MacAddress&) const noexcept = default;
  // Four bytes and two: the packet path compares one for every packet, and the default would call memcmp.
  bool operator==(const MacAddress& other) const noexcept {
    uint32_t a, b;
    uint16_t c, d;
    std::memcpy(&a, bytes.data(), 4);
    std::memcpy(&b, other.bytes.data(), 4);
    std::memcpy(&c, bytes.data() + 4, 2);
    std::memcpy(&d, other.bytes.data() + 4, 2);
    return a == b && c == d;
  }
  bool is_zero() const noexcept { return *this == MacAddress{}; }
  // "02:00:00:00:00:01"; nullopt when malformed.
  static std::optional<MacAddress> parse(std::string_view text);
  std::string to_string() const;
};

enum class AddressFamily : uint8_t { kIpv4, kIpv6 };

// An IPv4 or IPv6 address. IPv4 lies in the first four bytes, the rest is zero.
struct IpAddress {
  AddressFamily family = AddressFamily::kIpv4;
  std::array<uint8_t, 16> bytes{};

  constexpr auto operator<=>(const IpAddress&) const noexcept = default;
  static IpAddress from_v4(Be32 address) noexcept;
  static std::optional<IpAddress> parse(std::string_view text);
  bool is_v4() const noexcept { return family == AddressFamily::kIpv4; }
  // REQUIRES is_v4().
  Be32 v4() const noexcept;
  std::string to_string() const;
};

// A network: address bits beyond `length` are zero after parse().
struct Prefix {
  IpAddress address;
  uint8_t length = 0;

  constexpr auto operator<=>(const Prefix&) const noexcept = default;
  // "10.0.0.0/8"; a bare address is its own /32 or /128. Host bits are cleared. nullopt when malformed.
  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const noexcept;
  std::string to_string() const;
};

// An address with its network's length, host bits kept: "10.0.0.1/24".
struct InterfaceAddress {
  IpAddress address;
  uint8_t length = 0;

  constexpr auto operator<=>(const InterfaceAddress&) const noexcept = default;
  static std::optional<InterfaceAddress> parse(std::string_view text);
  std::string to_string() const;
};

}  // namespace shunt
