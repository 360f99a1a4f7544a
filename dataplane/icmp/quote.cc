#include "dataplane/icmp/quote.h"

namespace shunt::dataplane {
namespace {

constexpr Be16 kFragmentOffset4 = Be16::from_host(0x1fff);
constexpr Be16 kFragmentOffset6 = Be16::from_host(0xfff8);
constexpr uint32_t kUnit = 8;  // of extension headers

// Where the quoted packet's payload begins and what it is; bytes 0: nobody can tell.
struct Payload {
  uint32_t begin = 0;
  uint8_t protocol = 0;
};

Payload payload_of(const Ipv4Header* ip, uint32_t bytes) noexcept {
  if (bytes < sizeof *ip || ip->version() != 4 || ip->header_bytes() < sizeof *ip) return {};
  if ((ip->fragment.raw & kFragmentOffset4.raw) != 0) return {};
  return {ip->header_bytes(), ip->protocol};
}

Payload payload_of(const Ipv6Header* ip, uint32_t bytes) noexcept {
  if (bytes < sizeof *ip || ip->version() != 6) return {};
  const auto* begin = reinterpret_cast<const uint8_t*>(ip);
  Payload found{sizeof *ip, ip->next_header};
  while (found.protocol == kIpv6HopByHop || found.protocol == kIpv6Routing || found.protocol == kIpv6Fragment ||
         found.protocol == kIpv6DestinationOptions) {
    if (found.begin + kUnit > bytes) return {};
    const uint8_t* header = begin + found.begin;
    uint32_t units = header[1] + 1u;
    if (found.protocol == kIpv6Fragment) {
      Be16 offset;
      std::memcpy(&offset.raw, header + 2, sizeof offset);
      if ((offset.raw & kFragmentOffset6.raw) != 0) return {};
      units = 1;
    }
    found = {found.begin + units * kUnit, header[0]};
  }
  return found;
}

}  // namespace

template <typename Ip>
std::optional<Quote<Ip>> quote_at(uint8_t* at, uint32_t bytes) noexcept {
  auto* ip = reinterpret_cast<typename Ip::Header*>(at);
  const Payload payload = payload_of(ip, bytes);
  if (payload.begin == 0 || payload.begin + Quote<Ip>::kLeastL4 > bytes) return std::nullopt;
  return Quote<Ip>{ip, at + payload.begin, bytes - payload.begin, payload.protocol};
}

template std::optional<Quote<Ipv4>> quote_at(uint8_t*, uint32_t) noexcept;
template std::optional<Quote<Ipv6>> quote_at(uint8_t*, uint32_t) noexcept;

}  // namespace shunt::dataplane
