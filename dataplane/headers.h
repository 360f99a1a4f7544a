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

inline constexpr Be16 kIpDontFragment = Be16::from_host(0x4000);
inline constexpr Be16 kIpMoreFragmentsOrOffset = Be16::from_host(0x3fff);
inline constexpr uint8_t kIpProtocolIcmp = 1;
inline constexpr uint8_t kIpProtocolIpip = 4;
inline constexpr uint8_t kIpProtocolTcp = 6;
inline constexpr uint8_t kIpProtocolUdp = 17;
inline constexpr uint8_t kIpProtocolIpv6 = 41;  // IPv6 in another packet, RFC 2473
inline constexpr uint8_t kIpProtocolIcmpv6 = 58;
// Extension headers, RFC 8200 section 4.
inline constexpr uint8_t kIpv6HopByHop = 0;
inline constexpr uint8_t kIpv6Routing = 43;
inline constexpr uint8_t kIpv6Fragment = 44;
inline constexpr uint8_t kIpv6NoNext = 59;
inline constexpr uint8_t kIpv6DestinationOptions = 60;

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

// RFC 768.
struct UdpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be16 length;
  Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

// RFC 792; `rest` is the second word, whose meaning depends on type and code.
struct IcmpHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be32 rest;
};
static_assert(sizeof(IcmpHeader) == 8);

}  // namespace shunt::dataplane
