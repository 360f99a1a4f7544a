// Packets of one IP family made those of the other (RFC 7915), each in its own buffer, in front of an L4 header that stays
// where it is. What was IPv4's has mapped addresses in IPv6 (src/base/address.h), which add to TCP's and UDP's checksums what
// the IPv4 ones do: none of them changes. Worker only.
//
// IPv4's options and IPv6's extension headers but the fragment's are left out; a hop is not counted.
#pragma once

#include "dataplane/icmp/message.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Whether it would have to be cut to get through every IPv6 path, and its sender lets it be (RFC 7915 section 4).
bool is_to_be_cut(const Packet& packet) noexcept;
// Of an IPv4 packet that is cut first, so that no piece is: the most of it that fits, header and all.
inline constexpr uint16_t kMostIpv4Piece = kLeastIpv6Mtu - sizeof(Ipv6FragmentHeader) - (sizeof(Ipv6Header) - sizeof(Ipv4Header));

// A whole UDP packet that came without a checksum gets one, which IPv6 does not do without. False: a fragment of one, whose
// sum nobody can know; it is dropped. REQUIRES an IPv4 packet with a key.
bool give_udp_checksum(Packet& packet) noexcept;

// An IPv4 packet with a key goes on as IPv6 (Verdict::kUndecidedIpv6). False: it is dropped. REQUIRES give_udp_checksum().
bool become_ipv6(Packet& packet) noexcept;
// An ICMP error does, and the packet that it quotes (Verdict::kIcmpErrorIpv6). False: it is dropped. REQUIRES the whole
// packet in one buffer.
bool become_ipv6(const IcmpMessage<Ipv4>& error, Packet& packet) noexcept;

// The frame of an IPv6 packet between mapped addresses, perhaps an ICMP error and then the packet that it quotes, too,
// becomes one of IPv4. False: it cannot be; its beginning may have been overwritten.
bool become_ipv4(Worker& worker, rte_mbuf* mbuf) noexcept;

}  // namespace shunt::dataplane
