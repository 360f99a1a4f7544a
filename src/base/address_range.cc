#include "src/base/address_range.h"

#include <algorithm>

namespace shunt {
namespace {

using Number = unsigned __int128;

// Bytes as they lie in packets, so that an address's order is its number's. IPv4 is the number's low 32 bits.
Number number_of(const IpAddress& address) noexcept {
  const size_t bytes = address.is_v4() ? 4 : 16;
  Number number = 0;
  for (size_t i = 0; i < bytes; ++i) number = number << 8 | address.bytes[i];
  return number;
}

IpAddress address_of(Number number, AddressFamily family) noexcept {
  IpAddress address{family, {}};
  for (size_t i = family == AddressFamily::kIpv4 ? 4 : 16; i-- > 0; number >>= 8) {
    address.bytes[i] = static_cast<uint8_t>(number);
  }
  return address;
}

// So many low bits, all set.
Number low_bits(uint32_t count) noexcept { return count == 128 ? ~Number{0} : (Number{1} << count) - 1; }

std::optional<AddressRange> parse_prefix(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  const auto written = IpAddress::parse(text.substr(0, text.find('/')));
  if (!prefix || !written || *written != prefix->address) return std::nullopt;
  const uint32_t bits = (prefix->address.is_v4() ? 32u : 128u) - prefix->length;
  return AddressRange{*written, address_of(number_of(*written) | low_bits(bits), written->family)};
}

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return parse_prefix(text);
  const size_t dash = text.find('-');
  const auto first = IpAddress::parse(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : IpAddress::parse(text.substr(dash + 1));
  if (!first || !last || first->family != last->family || number_of(*last) < number_of(*first)) return std::nullopt;
  return AddressRange{*first, *last};
}

std::string AddressRange::to_string() const {
  if (first == last) return first.to_string();
  const Number hosts = number_of(first) ^ number_of(last);
  const bool is_prefix = (hosts & (hosts + 1)) == 0 && (number_of(first) & hosts) == 0;
  if (!is_prefix) return first.to_string() + "-" + last.to_string();
  int length = first.is_v4() ? 32 : 128;
  for (Number left = hosts; left != 0; left >>= 1) --length;
  return first.to_string() + "/" + std::to_string(length);
}

uint64_t AddressRange::count() const noexcept {
  const Number between = number_of(last) - number_of(first);
  return between >= UINT64_MAX - 1 ? UINT64_MAX : static_cast<uint64_t>(between) + 1;
}

bool AddressRange::contains(const IpAddress& address) const noexcept {
  if (address.family != first.family) return false;
  return number_of(first) <= number_of(address) && number_of(address) <= number_of(last);
}

bool AddressRange::overlaps(const AddressRange& other) const noexcept {
  if (other.first.family != first.family) return false;
  return number_of(first) <= number_of(other.last) && number_of(other.first) <= number_of(last);
}

std::vector<Prefix> prefixes_of(const AddressRange& range) {
  std::vector<Prefix> prefixes;
  const uint32_t bits = range.first.is_v4() ? 32 : 128;
  Number at = number_of(range.first);
  const Number last = number_of(range.last);
  for (;;) {
    uint32_t host_bits = 0;
    const auto fits = [&](uint32_t more) { return (at & low_bits(more)) == 0 && (at | low_bits(more)) <= last; };
    while (host_bits < bits && fits(host_bits + 1)) ++host_bits;
    prefixes.push_back({address_of(at, range.first.family), static_cast<uint8_t>(bits - host_bits)});
    const Number end = at | low_bits(host_bits);
    if (end >= last) return prefixes;
    at = end + 1;
  }
}

std::vector<IpAddress> addresses_of(const std::vector<AddressRange>& ranges) {
  std::vector<IpAddress> addresses;
  for (const AddressRange& range : ranges) {
    const Number first = number_of(range.first);
    for (uint64_t i = 0; i < range.count(); ++i) addresses.push_back(address_of(first + i, range.first.family));
  }
  return addresses;
}

}  // namespace shunt
