// ICMP errors about what was sent to a real that is told who the client is, on their way to the client: it never sent what
// they quote as they quote it. Worker only.
#pragma once

#include <algorithm>

#include "dataplane/client_address/carrying.h"
#include "dataplane/icmp/message.h"

namespace shunt::dataplane {

// The client looks for the number among those that it has sent (RFC 5927 section 4.1), which stand behind the header.
template <typename Ip>
void mend_sequence(const typename Ip::Entry& connection, const Quote<Ip>& quote) noexcept {
  auto* tcp = reinterpret_cast<TcpHeader*>(quote.l4);
  const uint32_t bytes = proxy_bytes(connection.carried, Ip::kFamily);
  const Be32 before = tcp->sequence;
  uint32_t less = bytes;
  if (is_opening(connection)) {
    const auto behind = static_cast<int32_t>(before.host() - noted_in(connection));
    less = step_of(connection) == Step::kAsked || behind <= 0 ? 0 : std::min(static_cast<uint32_t>(behind), bytes);
  }
  tcp->sequence = Be32::from_host(before.host() - less);
  if (quote.l4_bytes >= offsetof(TcpHeader, checksum) + sizeof(Be16)) {
    tcp->checksum = updated(tcp->checksum, fold(delta_of(before, tcp->sequence)));
  }
}

// REQUIRES carries(). The ICMP checksum is the caller's to set.
template <typename Ip>
void mend_error(const typename Ip::Entry& connection, const IcmpMessage<Ip>& error) noexcept {
  if (error.quote.protocol == kIpProtocolTcp && is_proxy(connection.carried)) mend_sequence<Ip>(connection, error.quote);
  if (!error.is_too_big()) return;
  // Of what the path takes the client may fill what is left; no path takes less than the least.
  const uint32_t left = std::max(error.mtu() - std::min(error.mtu(), growth_of<Ip>(connection)), Ip::kLeastMtu);
  error.icmp->rest = Be32::from_host(error.icmp->rest.host() - (error.mtu() - left));
}

}  // namespace shunt::dataplane
