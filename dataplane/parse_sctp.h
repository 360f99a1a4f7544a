// What an SCTP packet says, or the first fragment of one. Worker only.
#pragma once

#include <cstdint>

#include "dataplane/packet.h"

namespace shunt::dataplane {

// SCTP (RFC 9260) of `bytes`, of which `here` are in the packet and `readable` in its first buffer. The first chunk
// decides what the packet does to its connection, but for an ABORT behind a COOKIE ECHO or COOKIE ACK
// (ip_vs_proto_sctp.c set_sctp_state). Sets tcp_flags and sctp_bytes. False: the packet is dropped. REQUIRES packet.l4.
bool parse_sctp(Packet& packet, uint32_t bytes, uint32_t here, uint32_t readable) noexcept;

}  // namespace shunt::dataplane
