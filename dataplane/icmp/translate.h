// An ICMP error about a nat or fullnat connection, made what its receiver must see: addressed to it, and quoting the
// packet as it sent it (RFC 5508 section 4; ip_vs_core.c ip_vs_nat_icmp, ip_vs_nat_icmp_v6). Worker only.
#pragma once

#include "dataplane/client_address/error.h"
#include "dataplane/forwarding/nat.h"
#include "dataplane/icmp/message.h"

namespace shunt::dataplane {

// Sets both addresses; the returned delta is what that adds to a sum over them.
template <typename Header, typename Address>
uint32_t set_addresses(Header* ip, const Address& source, const Address& destination) noexcept {
  const uint32_t delta = delta_of(ip->source, source) + delta_of(ip->destination, destination);
  ip->source = source;
  ip->destination = destination;
  return delta;
}
inline void update_ip_checksum(Ipv4Header* ip, uint32_t delta) noexcept {
  ip->checksum = updated(ip->checksum, fold(delta));
}
inline void update_ip_checksum(Ipv6Header*, uint32_t) noexcept {}

// Makes the quoted packet one of the flow `sent`. The parts of its checksums that are not quoted go unmended.
template <typename Ip>
void translate_quote(const Quote<Ip>& quote, const typename Ip::Key& sent) noexcept {
  const auto seen = quote.key();
  const uint32_t addresses = set_addresses(quote.ip, sent.source, sent.destination);
  update_ip_checksum(quote.ip, addresses);
  if (is_icmp(quote.protocol)) {
    return set_echo_ports(quote.l4, quote.protocol, {sent.source_port, sent.destination_port}, addresses);
  }
  std::memcpy(quote.l4, static_cast<const void*>(&sent.source_port), 4);
  const bool has_checksum =
      quote.protocol == kIpProtocolUdp || quote.l4_bytes >= offsetof(TcpHeader, checksum) + sizeof(Be16);
  if (!has_checksum) return;
  const uint32_t ports =
      delta_of(seen.source_port, sent.source_port) + delta_of(seen.destination_port, sent.destination_port);
  update_l4_checksum(quote.l4, quote.protocol, fold(uint64_t{addresses} + ports));
}

// `kDirection`: where the error goes, to the real as requests do or to the client as replies do. Its receiver's peer,
// as the receiver knows it, becomes the sender: neither learns whom the other's side of us has for routers. Under nat
// the real knows clients, and the rest of the world, by their own addresses; under snat whoever sent the request does.
template <Direction kDirection, typename Ip>
void translate_error(const typename Ip::Entry& connection, const IcmpMessage<Ip>& error) noexcept {
  constexpr bool to_real = kDirection == Direction::kRequest;
  const typename Ip::Key& sent = to_real ? connection.reply : connection.request;
  translate_quote(error.quote, sent);
  if constexpr (!to_real) {
    if (carries(connection)) mend_error<Ip>(connection, error);
  }
  const bool keeps_source = connection.method == (to_real ? Method::kNat : Method::kSnat);
  update_ip_checksum(error.ip,
                     set_addresses(error.ip, keeps_source ? error.ip->source : sent.destination, sent.source));
  pass_on(error.ip);
  error.set_checksum();
}

}  // namespace shunt::dataplane
