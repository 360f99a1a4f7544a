// ICMP errors about our own packets to a tunnel's real: a path that takes less than its links is learned, for all
// workers, and the client whose packet it was is told (ip_vs_core.c ip_vs_in_icmp; RFC 2003 section 4, RFC 2473 section
// 8). Worker only.
#pragma once

#include "dataplane/icmp/message.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The packet that a quoted packet carries; `begin` nullptr: it is no tunnel's.
struct TunnelQuote {
  uint8_t* begin = nullptr;
  uint32_t bytes = 0;     // quoted of it
  uint32_t overhead = 0;  // bytes that the tunnel put in front of it
  AddressFamily family = AddressFamily::kIpv4;
  Be16 port;  // GUE's, of the real; 0 of the others
};

// Of whatever kind and families the tunnel is. What only looks like GUE is a service's UDP packet: a tunnel's is from an
// address of our own.
template <typename Ip>
TunnelQuote tunnelled_in(const Snapshot& snapshot, const Quote<Ip>& quote) noexcept;

// True: the client was told. False: the packet is decided; it counts as kTunnelError where there is nobody to tell.
template <typename Ip>
bool relay_tunnel_error(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error,
                        const TunnelQuote& tunnelled, Packet& packet) noexcept;

}  // namespace shunt::dataplane
