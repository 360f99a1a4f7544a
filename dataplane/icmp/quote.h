// The packet that an ICMP error is about, as much of it as the error quotes. Values and pure functions; any thread.
#pragma once

#include <optional>

#include "dataplane/family.h"
#include "dataplane/icmp/echo.h"

namespace shunt::dataplane {

template <typename Ip>
struct Quote {
  // What RFC 792 promises of the quoted packet behind its IP header: ports, and UDP's checksum.
  static constexpr uint32_t kLeastL4 = 8;

  typename Ip::Header* ip;
  uint8_t* l4;        // behind options and extension headers
  uint32_t l4_bytes;  // that are quoted, kLeastL4 or more
  uint8_t protocol;

  bool has_ports() const noexcept {
    return protocol == kIpProtocolTcp || protocol == kIpProtocolUdp || protocol == kIpProtocolSctp;
  }
  bool is_echo() const noexcept { return is_icmp(protocol) && echo_ports(l4, protocol).has_value(); }
  // Of the quoted packet; REQUIRES has_ports() or is_echo().
  typename Ip::Key key() const noexcept {
    typename Ip::Key key;
    key.source = ip->source;
    key.destination = ip->destination;
    const EchoPorts echo = is_icmp(protocol) ? echo_ports(l4, protocol).value_or(EchoPorts{}) : EchoPorts{};
    std::memcpy(static_cast<void*>(&key.source_port), is_icmp(protocol) ? static_cast<const void*>(&echo) : l4, 4);
    key.protocol = protocol;
    return key;
  }
  // Of packets in the other direction, in which the error travels.
  typename Ip::Key reversed_key() const noexcept {
    typename Ip::Key key = this->key();
    std::swap(key.source, key.destination);
    std::swap(key.source_port, key.destination_port);
    return key;
  }
};

// The packet quoted in the `bytes` at `at`; nullopt: no IP packet of that family, too little of it, or a fragment
// behind the first, which has no ports.
template <typename Ip>
std::optional<Quote<Ip>> quote_at(uint8_t* at, uint32_t bytes) noexcept;

}  // namespace shunt::dataplane
