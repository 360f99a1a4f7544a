// Protocol headers as they lie in packets. Every member is aligned to one byte (Be types are), so a header may
// start anywhere.
#pragma once

#include <array>
#include <cstdint>

#include "src/base/address.h"
#include "src/base/byte_order.h"

namespace shunt::dataplane {

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14);

inline constexpr Be16 kEtherTypeIpv4 = Be16::from_host(0x0800);
inline constexpr Be16 kEtherTypeArp = Be16::from_host(0x0806);
inline constexpr Be16 kEtherTypeIpv6 = Be16::from_host(0x86dd);

// RFC 791.
struct Ipv4Header {
  uint8_t version_ihl;
  uint8_t tos;
  Be16 total_length;
  Be16 id;
  Be16 fragment;  // flags and offset
  uint8_t ttl;
  uint8_t protocol;
  Be16 checksum;
  Be32 source;
  Be32 destination;

  uint8_t version() const noexcept { return version_ihl >> 4; }
  uint32_t header_bytes() const noexcept { return (version_ihl & 0x0fu) * 4; }
  // Of a fragment: where in its datagram's data this one's begin, in bytes.
  uint32_t fragment_begin() const noexcept { return (fragment.host() & 0x1fffu) * 8; }
};
static_assert(sizeof(Ipv4Header) == 20);

// RFC 8200.
struct Ipv6Header {
  Be32 version_class_flow;
  Be16 payload_length;
  uint8_t next_header;
  uint8_t hop_limit;
  std::array<uint8_t, 16> source;
  std::array<uint8_t, 16> destination;

  uint8_t version() const noexcept { return static_cast<uint8_t>(version_class_flow.raw & 0xff) >> 4; }
};
static_assert(sizeof(Ipv6Header) == 40);

// RFC 8200 section 5.
inline constexpr uint16_t kLeastIpv6Mtu = 1280;
inline constexpr Be16 kIpDontFragment = Be16::from_host(0x4000);
inline constexpr Be16 kIpMoreFragments = Be16::from_host(0x2000);
inline constexpr Be16 kIpMoreFragmentsOrOffset = Be16::from_host(0x3fff);
inline constexpr uint8_t kIpProtocolIcmp = 1;
inline constexpr uint8_t kIpProtocolIpip = 4;
inline constexpr uint8_t kIpProtocolTcp = 6;
inline constexpr uint8_t kIpProtocolUdp = 17;
inline constexpr uint8_t kIpProtocolIpv6 = 41;  // IPv6 in another packet, RFC 2473
inline constexpr uint8_t kIpProtocolEsp = 50;
inline constexpr uint8_t kIpProtocolAh = 51;
inline constexpr uint8_t kIpProtocolGre = 47;
inline constexpr uint8_t kIpProtocolIcmpv6 = 58;
inline constexpr uint8_t kIpProtocolSctp = 132;
// Extension headers, RFC 8200 section 4.
inline constexpr uint8_t kIpv6HopByHop = 0;
inline constexpr uint8_t kIpv6Routing = 43;
inline constexpr uint8_t kIpv6Fragment = 44;
inline constexpr uint8_t kIpv6NoNext = 59;
inline constexpr uint8_t kIpv6DestinationOptions = 60;

// Those that may stand in front of TCP's and UDP's headers, and that begin with the next one's kind.
constexpr bool is_ipv6_extension(uint8_t kind) noexcept {
  return kind == kIpv6HopByHop || kind == kIpv6Routing || kind == kIpv6DestinationOptions || kind == kIpv6Fragment;
}

// RFC 8200 section 4.5.
struct Ipv6FragmentHeader {
  uint8_t next_header;
  uint8_t reserved;
  Be16 offset_and_more;
  Be32 id;

  uint32_t begin() const noexcept { return offset_and_more.host() & 0xfff8u; }
  bool has_more() const noexcept { return (offset_and_more.host() & 1) != 0; }
  // The whole datagram (RFC 6946): no fragment.
  bool is_atomic() const noexcept { return begin() == 0 && !has_more(); }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8);

// RFC 9293.
struct TcpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be32 sequence;
  Be32 acknowledgement;
  uint8_t data_offset;  // upper four bits, in 32-bit words
  uint8_t flags;
  Be16 window;
  Be16 checksum;
  Be16 urgent;

  uint32_t header_bytes() const noexcept { return (data_offset >> 2) & 0x3cu; }
};
static_assert(sizeof(TcpHeader) == 20);

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;
inline constexpr uint8_t kTcpUrg = 0x20;

// RFC 768.
struct UdpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be16 length;
  Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

// RFC 9260 section 3.1.
struct SctpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be32 verification_tag;
  uint8_t checksum[4];  // CRC32c, least significant byte first
};
static_assert(sizeof(SctpHeader) == 12);

// RFC 9260 section 3.2. `length` counts these four bytes, but not the padding to whole words behind the value.
struct SctpChunk {
  uint8_t type;
  uint8_t flags;
  Be16 length;
};
static_assert(sizeof(SctpChunk) == 4);

inline constexpr uint8_t kSctpAbort = 6;
inline constexpr uint8_t kSctpCookieEcho = 10;
inline constexpr uint8_t kSctpCookieAck = 11;
// RFC 2784, without the checksum that may follow.
struct GreHeader {
  Be16 flags;
  Be16 protocol;  // an EtherType
};
static_assert(sizeof(GreHeader) == 4);

inline constexpr Be16 kGreHasChecksum = Be16::from_host(0x8000);

// With the flag above: behind the header.
struct GreChecksum {
  Be16 checksum;
  Be16 reserved;
};
static_assert(sizeof(GreChecksum) == 4);

// Generic UDP Encapsulation, version 0 (draft-ietf-intarea-gue section 3), a data message without options.
struct GueHeader {
  uint8_t version_and_length = 0;  // of options, in words
  uint8_t protocol;                // what follows, as in an IP header
  Be16 flags;
};
static_assert(sizeof(GueHeader) == 4);

// RFC 792; `rest` is the second word, whose meaning depends on type and code.
struct IcmpHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be32 rest;
};
static_assert(sizeof(IcmpHeader) == 8);

// Kinds of ICMP (RFC 792) and of ICMPv6 (RFC 4443), where all types below 128 are errors.
inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpEchoRequest = 8;
inline constexpr uint8_t kIcmpUnreachable = 3;
inline constexpr uint8_t kIcmpFragmentationNeeded = 4;  // a code of it
inline constexpr uint8_t kIcmpSourceQuench = 4;
inline constexpr uint8_t kIcmpTimeExceeded = 11;
inline constexpr uint8_t kIcmpv6Unreachable = 1;
inline constexpr uint8_t kIcmpv6TooBig = 2;
inline constexpr uint8_t kIcmpv6TimeExceeded = 3;
inline constexpr uint8_t kIcmpv6FirstInformation = 128;
inline constexpr uint8_t kIcmpv6EchoRequest = 128;
inline constexpr uint8_t kIcmpv6EchoReply = 129;

}  // namespace shunt::dataplane
