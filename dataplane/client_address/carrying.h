// How a fullnat connection's real is told who the client is: what Connection::carried says, how far a connection is with
// it, and by how much packets grow for it. Values and functions of one connection.
#pragma once

#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// Connection::carried, beside 0 for nothing: PROXY's second version; its first one, by the number of its line's bytes, which
// are kLeastProxyV1..kMostProxyV1; UOA's forms; TOA, by the kind of its option.
inline constexpr uint8_t kCarriesProxyV2 = 1;
inline constexpr uint8_t kCarriesUoaProtocol = 128;
inline constexpr uint8_t kCarriesUoaOption = 129;
// Nothing of the client, but a control connection of FTP, whose lines are read on their way (ftp/control.h). It is opening for
// good; its number (noted_in()) says, while it is answered, where its streams begin, and once told, which place it has.
inline constexpr uint8_t kCarriesFtp = 130;
inline constexpr uint8_t kLeastToaOption = 200;
// "PROXY TCP6 :: :: 1 1\r\n" is the shortest; the longest is what the specification says.
inline constexpr uint8_t kLeastProxyV1 = 22;
inline constexpr uint8_t kMostProxyV1 = 107;

template <typename Entry>
bool carries(const Entry& connection) noexcept {
  return connection.carried != 0;
}
constexpr bool is_proxy(uint8_t carried) noexcept { return carried != 0 && carried <= kMostProxyV1; }
constexpr bool is_toa(uint8_t carried) noexcept { return carried >= kLeastToaOption; }
constexpr bool is_uoa(uint8_t carried) noexcept { return carried == kCarriesUoaProtocol || carried == kCarriesUoaOption; }

// A connection that is opening. Its number (noted_in()): TCP's the first that the client's data has, UDP's how many packets
// are still to tell.
enum class Step : uint16_t {
  kAsked,     // the real has not answered the client's SYN: the number is not known
  kAnswered,  // it has
  kTold,      // PROXY: what tells was sent; FTP: the client answered, too
  kFollowed,  // PROXY: and the first data behind it; who sends that again missed an answer
};
template <typename Entry>
Step step_of(const Entry& connection) noexcept {
  return static_cast<Step>(connection.l4_delta);
}
template <typename Entry>
void set_step(Entry& connection, Step step) noexcept {
  connection.l4_delta = static_cast<uint16_t>(step);
}
template <typename Entry>
bool is_opening(const Entry& connection) noexcept {
  return (connection.flags & kConnectionOpening) != 0;
}
template <typename Entry>
void begin_opening(Entry& connection, uint32_t number) noexcept {
  connection.flags |= kConnectionOpening;
  set_step(connection, Step::kAsked);
  note_in(connection, number);
}

// Of the options that DPVS defines (include/ipvs/proto_tcp.h, include/uoa.h): kind, length, port and address.
constexpr uint16_t address_option_bytes(AddressFamily family) noexcept { return family == AddressFamily::kIpv4 ? 8 : 20; }
// UOA's own header in front of that.
inline constexpr uint16_t kUoaHeaderBytes = 4;
constexpr uint16_t proxy_v2_bytes(AddressFamily family) noexcept { return family == AddressFamily::kIpv4 ? 28 : 52; }
// REQUIRES is_proxy().
constexpr uint16_t proxy_bytes(uint8_t carried, AddressFamily family) noexcept {
  return carried == kCarriesProxyV2 ? proxy_v2_bytes(family) : carried;
}

// By how much a packet of the connection may grow now.
template <typename Ip>
uint32_t growth_of(const typename Ip::Entry& connection) noexcept {
  constexpr uint32_t kOption = address_option_bytes(Ip::kFamily);
  const uint8_t carried = connection.carried;
  if (is_toa(carried)) return kOption;
  if (is_proxy(carried)) return connection.request.protocol == kIpProtocolUdp ? proxy_v2_bytes(Ip::kFamily) : 0;
  if (!is_uoa(carried) || !is_opening(connection)) return 0;
  return carried == kCarriesUoaProtocol ? kUoaHeaderBytes + kOption : kOption;
}

// The most by which a client's packet to a real of this family grows. A TCP stream's PROXY header is a packet of its own.
constexpr uint16_t carried_bytes(const ClientAddress& how, AddressFamily family, uint8_t protocol) noexcept {
  switch (how.kind) {
    case ClientAddressKind::kNone:
    case ClientAddressKind::kProxyV1: return 0;
    case ClientAddressKind::kToa: return address_option_bytes(family);
    case ClientAddressKind::kUoa:
      return static_cast<uint16_t>(address_option_bytes(family) + (how.uoa_form == UoaForm::kProtocol ? kUoaHeaderBytes : 0));
    case ClientAddressKind::kProxyV2: return protocol == kIpProtocolUdp ? proxy_v2_bytes(family) : uint16_t{0};
  }
  return 0;
}

}  // namespace shunt::dataplane
