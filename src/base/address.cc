#include "src/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace shunt {
namespace {

constexpr uint8_t bits_of(AddressFamily family) noexcept {
  return family == AddressFamily::kIpv4 ? 32 : 128;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  MacAddress mac;
  for (size_t i = 0; i < 6; ++i) {
    const int high = hex_digit(text[i * 3]);
    const int low = hex_digit(text[i * 3 + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':')) return std::nullopt;
    mac.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return mac;
}

std::string MacAddress::to_string() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3], bytes[4], bytes[5]);
  return text;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress result;
  if (inet_pton(AF_INET, terminated.c_str(), result.bytes.data()) == 1) return result;
  if (inet_pton(AF_INET6, terminated.c_str(), result.bytes.data()) == 1) {
    result.family = AddressFamily::kIpv6;
    return result;
  }
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  InterfaceAddress result{*address, bits_of(address->family)};
  if (slash == std::string_view::npos) return result;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), result.length);
  if (error != std::errc{} || end != digits.end() || digits.empty()) return std::nullopt;
  if (result.length > bits_of(address->family)) return std::nullopt;
  return result;
}

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto parsed = InterfaceAddress::parse(text);
  if (!parsed) return std::nullopt;
  Prefix prefix{parsed->address, parsed->length};
  for (int i = 0; i < 16; ++i) {
    const int kept = std::min(8, std::max(0, prefix.length - i * 8));
    prefix.address.bytes[i] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return prefix;
}

bool Prefix::contains(const IpAddress& other) const noexcept {
  if (other.family != address.family) return false;
  for (int i = 0; i < 16; ++i) {
    const int kept = std::min(8, std::max(0, length - i * 8));
    if ((other.bytes[i] ^ address.bytes[i]) & (0xff00 >> kept) & 0xff) return false;
  }
  return true;
}

std::string Prefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

}  // namespace shunt
