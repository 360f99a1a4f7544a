// Packets larger than their way takes that may be cut into pieces, as Linux does: IPv4's whose sender lets them be (RFC
// 791 section 3.2), of a tunnel's the outer one; and a tunnel's IPv6 packets with no more in them than every client may
// send, on a path that takes hardly more (RFC 2473 section 7.1). The receiver puts them together. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// REQUIRES Verdict::kPieces, of route(). Tracks and rewrites the packet and sends its pieces; always false: the packet
// itself is left to be freed.
template <Direction kDirection, typename Ip>
bool cut_and_send(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow,
                  Packet& packet) noexcept;

// Cuts an IPv4 packet with a key into pieces of at most `most` bytes, which begin their journey anew, as fragments whose flow
// is known. It is decided: the packet itself is left to be freed.
void cut_and_start_anew(Worker& worker, Packet& packet, uint16_t most) noexcept;

// For a packet that route() decided.
template <Direction kDirection, typename Ip>
bool send_in_pieces(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow,
                    Packet& packet) noexcept {
  if (packet.verdict != Verdict::kPieces) return false;
  return cut_and_send<kDirection>(worker, snapshot, real, flow, packet);
}

}  // namespace shunt::dataplane
