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
  // One comparison of each half: new connections compare addresses, and the default would go byte by byte.
  bool operator==(const IpAddress& other) const noexcept {
    return family == other.family && first_half() == other.first_half() && second_half() == other.second_half();
  }
  static IpAddress from_v4(Be32 address) noexcept {
    IpAddress result;
    std::memcpy(result.bytes.data(), &address.raw, 4);
    return result;
  }
  // Sixteen bytes as they lie in a packet.
  static IpAddress from_v6(const void* address) noexcept {
    IpAddress result{AddressFamily::kIpv6, {}};
    std::memcpy(result.bytes.data(), address, 16);
    return result;
  }
  // The same of an address that may stand for an IPv4 one (is_mapped()); that one then.
  static IpAddress from_mapped(const std::array<uint8_t, 16>& address) noexcept;
  static std::optional<IpAddress> parse(std::string_view text);
  bool is_v4() const noexcept { return family == AddressFamily::kIpv4; }
  // 0.0.0.0 or ::.
  bool is_unspecified() const noexcept { return (first_half() | second_half()) == 0; }
  // REQUIRES is_v4().
  Be32 v4() const noexcept {
    Be32 address;
    std::memcpy(&address.raw, bytes.data(), 4);
    return address;
  }
  // As IPv6 has it: an IPv4 address mapped.
  std::array<uint8_t, 16> mapped() const noexcept;
  std::string to_string() const;

  // Eight bytes each, as they lie in memory.
  uint64_t first_half() const noexcept { return half(0); }
  uint64_t second_half() const noexcept { return half(8); }

 private:
  uint64_t half(size_t from) const noexcept {
    uint64_t value;
    std::memcpy(&value, bytes.data() + from, 8);
    return value;
  }
};

// Whether an IPv6 address is an IPv4 one as IPv6 has it, ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2). Such addresses are
// never on a wire; their sum is that of the address that they stand for.
inline constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
inline bool is_mapped(const std::array<uint8_t, 16>& address) noexcept {
  return std::memcmp(address.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}
// The IPv4 address of a mapped one. REQUIRES is_mapped().
inline Be32 unmapped(const std::array<uint8_t, 16>& address) noexcept {
  Be32 v4;
  std::memcpy(&v4.raw, address.data() + kMappedPrefix.size(), sizeof v4);
  return v4;
}
inline std::array<uint8_t, 16> mapped(Be32 v4) noexcept {
  std::array<uint8_t, 16> address;
  std::memcpy(address.data(), kMappedPrefix.data(), kMappedPrefix.size());
  std::memcpy(address.data() + kMappedPrefix.size(), &v4.raw, sizeof v4);
  return address;
}

inline IpAddress IpAddress::from_mapped(const std::array<uint8_t, 16>& address) noexcept {
  return is_mapped(address) ? from_v4(unmapped(address)) : from_v6(address.data());
}
inline std::array<uint8_t, 16> IpAddress::mapped() const noexcept { return is_v4() ? shunt::mapped(v4()) : bytes; }

// A number from all of an address, for open-addressed tables that nobody outside can fill at will (configuration,
// neighbours). Not for what clients choose: they could aim at a place.
inline uint32_t table_hash(const IpAddress& address) noexcept {
  uint64_t mixed = address.first_half() ^ (address.second_half() * 0x9e3779b97f4a7c15u);
  // An IPv6 address's last bytes, in which neighbours differ, are the highest here: they must reach every bit.
  mixed = (mixed ^ mixed >> 32) * 0xff51afd7ed558ccdu;
  return static_cast<uint32_t>(mixed >> 32);
}

// A network: address bits beyond `length` are zero after parse().
struct Prefix {
  IpAddress address;
  uint8_t length = 0;

  auto operator<=>(const Prefix&) const noexcept = default;
  // "10.0.0.0/8"; a bare address is its own /32 or /128. Host bits are cleared. nullopt when malformed.
  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const noexcept;
  bool is_one_address() const noexcept { return length == (address.is_v4() ? 32 : 128); }
  std::string to_string() const;
};

// An address with its network's length, host bits kept: "10.0.0.1/24".
struct InterfaceAddress {
  IpAddress address;
  uint8_t length = 0;

  auto operator<=>(const InterfaceAddress&) const noexcept = default;
  static std::optional<InterfaceAddress> parse(std::string_view text);
  std::string to_string() const;
};

}  // namespace shunt
