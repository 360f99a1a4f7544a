// The two families of packets as types, for code that is the same for both: which header, key and connection each has,
// and what an IP packet of it says. Values and pure functions; any thread.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/connection_table.h"
#include "dataplane/headers.h"
#include "dataplane/packet.h"

namespace shunt::dataplane {

struct Ipv4 {
  using Header = Ipv4Header;
  using Key = FlowKey;
  using Entry = Connection;
  using Table = ConnectionTable;
  static constexpr AddressFamily kFamily = AddressFamily::kIpv4;
  static constexpr Be16 kEtherType = kEtherTypeIpv4;
  static constexpr Verdict kUndecided = Verdict::kUndecidedIpv4;
  static constexpr Verdict kIcmpError = Verdict::kIcmpErrorIpv4;
  static constexpr uint8_t kTunnelProtocol = kIpProtocolIpip;  // of a packet with one of its own family in it
  // No path's MTU is less, whoever says so: every host takes packets of this size (RFC 791 section 3.1).
  static constexpr uint32_t kLeastMtu = 576;

  static Header* header_of(const Packet& packet) noexcept { return packet.ip; }
  // What the table is asked by.
  static __m128i lookup_key_of(const Packet& packet) noexcept { return packet.key_block(); }
  static Key key_of(const Packet& packet) noexcept { return packet.key; }
  static uint8_t hop_limit_of(const Header* ip) noexcept { return ip->ttl; }
};

struct Ipv6 {
  using Header = Ipv6Header;
  using Key = FlowKey6;
  using Entry = Connection6;
  using Table = ConnectionTable6;
  static constexpr AddressFamily kFamily = AddressFamily::kIpv6;
  static constexpr Be16 kEtherType = kEtherTypeIpv6;
  static constexpr Verdict kUndecided = Verdict::kUndecidedIpv6;
  static constexpr Verdict kIcmpError = Verdict::kIcmpErrorIpv6;
  static constexpr uint8_t kTunnelProtocol = kIpProtocolIpv6;
  static constexpr uint32_t kLeastMtu = 1280;  // RFC 8200 section 5

  static Header* header_of(const Packet& packet) noexcept { return packet.ip6; }
  static FlowView6 lookup_key_of(const Packet& packet) noexcept {
    return {packet.ip6->source.data(), packet.ports_and_protocol};
  }
  static Key key_of(const Packet& packet) noexcept { return FlowKey6::from(lookup_key_of(packet)); }
  static uint8_t hop_limit_of(const Header* ip) noexcept { return ip->hop_limit; }
};

template <typename Ip>
bool is_on_its_way(const Packet& packet) noexcept {
  return packet.verdict == Ip::kUndecided;
}

// What a packet is forwarded by.
template <typename Ip>
struct Flow {
  typename Ip::Entry* connection;  // nullptr: forwarded without one
  RealId real;
  Direction direction;
};

}  // namespace shunt::dataplane
