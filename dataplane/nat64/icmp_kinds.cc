#include "dataplane/nat64/icmp_kinds.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

// By how much a packet's header grows on its way from IPv4 to IPv6.
constexpr uint32_t kGrowth = sizeof(Ipv6Header) - sizeof(Ipv4Header);
constexpr uint32_t kMostMtu = 0xffff;

// ICMP unreachable's codes beside those of headers.h (RFC 792, RFC 1812 section 5.2.7.1).
constexpr uint8_t kHost = 1;
constexpr uint8_t kProtocol = 2;
constexpr uint8_t kPort = 3;
constexpr uint8_t kNetworkProhibited = 9;
constexpr uint8_t kHostProhibited = 10;
constexpr uint8_t kProhibited = 13;
constexpr uint8_t kPrecedence = 14;
constexpr uint8_t kPrecedenceCutOff = 15;
// ICMPv6 unreachable's (RFC 4443 section 3.1).
constexpr uint8_t kNoRouteV6 = 0;
constexpr uint8_t kProhibitedV6 = 1;
constexpr uint8_t kBeyondScopeV6 = 2;
constexpr uint8_t kAddressV6 = 3;
constexpr uint8_t kPortV6 = 4;

constexpr uint8_t kParameterProblem = 12;
constexpr uint8_t kParameterProblemV6 = 4;
constexpr uint8_t kUnknownNextHeader = 1;  // a code of the latter

std::optional<IcmpHeader> unreachable_as_icmpv6(const IcmpHeader& error) noexcept {
  switch (error.code) {
    case kProtocol:
      return IcmpHeader{kParameterProblemV6, kUnknownNextHeader, {},
                        Be32::from_host(offsetof(Ipv6Header, next_header))};
    case kPort: return IcmpHeader{kIcmpv6Unreachable, kPortV6, {}, {}};
    case kIcmpFragmentationNeeded:
      // No IPv6 host sends less than the least; what is no longer may be cut on its way behind us.
      return IcmpHeader{kIcmpv6TooBig, 0, {},
                        Be32::from_host(std::max<uint32_t>((error.rest.host() & kMostMtu) + kGrowth, kLeastIpv6Mtu))};
    case kNetworkProhibited:
    case kHostProhibited:
    case kProhibited:
    case kPrecedenceCutOff: return IcmpHeader{kIcmpv6Unreachable, kProhibitedV6, {}, {}};
    case kPrecedence: return std::nullopt;
    default: break;
  }
  if (error.code > kPrecedenceCutOff) return std::nullopt;
  return IcmpHeader{kIcmpv6Unreachable, kNoRouteV6, {}, {}};
}

std::optional<IcmpHeader> unreachable_as_icmpv4(const IcmpHeader& error) noexcept {
  switch (error.code) {
    case kNoRouteV6:
    case kBeyondScopeV6:
    case kAddressV6: return IcmpHeader{kIcmpUnreachable, kHost, {}, {}};
    case kProhibitedV6: return IcmpHeader{kIcmpUnreachable, kHostProhibited, {}, {}};
    case kPortV6: return IcmpHeader{kIcmpUnreachable, kPort, {}, {}};
    default: return std::nullopt;
  }
}

// Where in an IPv4 header stands what is at that place of an IPv6 header (RFC 7915 figure 6).
std::optional<uint8_t> place_in_ipv4(uint32_t place) noexcept {
  if (place < 2) return static_cast<uint8_t>(place);
  if (place < 4) return std::nullopt;  // the flow label
  if (place < offsetof(Ipv6Header, next_header)) return uint8_t{offsetof(Ipv4Header, total_length)};
  if (place == offsetof(Ipv6Header, next_header)) return uint8_t{offsetof(Ipv4Header, protocol)};
  if (place == offsetof(Ipv6Header, hop_limit)) return uint8_t{offsetof(Ipv4Header, ttl)};
  if (place < offsetof(Ipv6Header, destination)) return uint8_t{offsetof(Ipv4Header, source)};
  if (place < sizeof(Ipv6Header)) return uint8_t{offsetof(Ipv4Header, destination)};
  return std::nullopt;
}

std::optional<IcmpHeader> problem_as_icmpv4(const IcmpHeader& error) noexcept {
  if (error.code == kUnknownNextHeader) return IcmpHeader{kIcmpUnreachable, kProtocol, {}, {}};
  if (error.code != 0) return std::nullopt;
  const auto place = place_in_ipv4(error.rest.host());
  if (!place) return std::nullopt;
  return IcmpHeader{kParameterProblem, 0, {}, Be32::from_host(uint32_t{*place} << 24)};
}

}  // namespace

std::optional<IcmpHeader> as_icmpv6(const IcmpHeader& error) noexcept {
  switch (error.type) {
    case kIcmpUnreachable: return unreachable_as_icmpv6(error);
    case kIcmpTimeExceeded: return IcmpHeader{kIcmpv6TimeExceeded, error.code, {}, {}};
    default: return std::nullopt;
  }
}

std::optional<IcmpHeader> as_icmpv4(const IcmpHeader& error) noexcept {
  switch (error.type) {
    case kIcmpv6Unreachable: return unreachable_as_icmpv4(error);
    case kIcmpv6TooBig: {
      const uint32_t mtu = std::min(error.rest.host(), kMostMtu);
      return IcmpHeader{kIcmpUnreachable, kIcmpFragmentationNeeded, {}, Be32::from_host(mtu - std::min(mtu, kGrowth))};
    }
    case kIcmpv6TimeExceeded: return IcmpHeader{kIcmpTimeExceeded, error.code, {}, {}};
    case kParameterProblemV6: return problem_as_icmpv4(error);
    default: return std::nullopt;
  }
}

}  // namespace shunt::dataplane
