// An ICMP error on its way through us, as a worker sees it: what it says, about which packet, and its checksum. Worker
// only.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/family.h"
#include "dataplane/icmp/quote.h"

namespace shunt::dataplane {

// An address as headers have it.
inline IpAddress address_of(Be32 address) noexcept { return IpAddress::from_v4(address); }
inline IpAddress address_of(const std::array<uint8_t, 16>& address) noexcept {
  return IpAddress::from_v6(address.data());
}

// What the pseudo-header adds to the checksum of `bytes` of ICMPv6 (RFC 8200 section 8.1); ICMP has none.
inline uint64_t pseudo_sum(const Ipv4Header*, uint32_t) noexcept { return 0; }
inline uint64_t pseudo_sum(const Ipv6Header* ip, uint32_t bytes) noexcept {
  return sum_of(&ip->source, 2 * sizeof ip->source) + Be16::from_host(static_cast<uint16_t>(bytes)).raw +
         Be16::from_host(kIpProtocolIcmpv6).raw;
}

template <typename Ip>
struct IcmpMessage {
  typename Ip::Header* ip;
  IcmpHeader* icmp;
  uint32_t bytes;  // from `icmp` on
  Quote<Ip> quote;

  bool has_good_checksum() const noexcept { return fold(sum_of(icmp, bytes, pseudo_sum(ip, bytes))) == 0xffff; }
  void set_checksum() const noexcept {
    icmp->checksum = {};
    icmp->checksum = checksum_of(icmp, bytes, pseudo_sum(ip, bytes));
  }
  // It goes back to the sender of what it quotes, as errors do (RFC 1122 section 3.2.2, RFC 4443 section 2.2).
  bool is_to_sender() const noexcept { return ip->destination == quote.ip->source; }

  bool is_too_big() const noexcept {
    if constexpr (Ip::kFamily == AddressFamily::kIpv6) return icmp->type == kIcmpv6TooBig;
    else return icmp->type == kIcmpUnreachable && icmp->code == kIcmpFragmentationNeeded;
  }
  // Of a too-big: ICMP has sixteen bits for it (RFC 1191 section 4), ICMPv6 thirty-two.
  uint32_t mtu() const noexcept {
    const uint32_t rest = icmp->rest.host();
    return Ip::kFamily == AddressFamily::kIpv6 ? rest : rest & 0xffff;
  }
  // A too-big with an MTU that every path exceeds (Ip::kLeastMtu): whoever believed it would send crumbs.
  bool has_impossible_mtu() const noexcept { return is_too_big() && mtu() < Ip::kLeastMtu; }
};

}  // namespace shunt::dataplane
