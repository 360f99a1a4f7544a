// The maximum segment size (RFC 9293 section 3.7.1) that ends of a connection tell each other in their SYNs: a service
// may lower it, so that no segment exceeds what lies behind. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"

namespace shunt::dataplane {

// Lowers what a SYN says by `less` bytes, and to `most`. What says no size, or says it in malformed options, stays as it
// is.
void lower_segment_size(TcpHeader* tcp, uint16_t most, uint16_t less = 0) noexcept;

// The same by the service of a packet's real, if the packet has SYN.
inline void limit_segment_size(const Snapshot& snapshot, const RealEntry& real, const Packet& packet) noexcept {
  if ((packet.tcp_flags & kTcpSyn) == 0 || real.timeouts >= snapshot.max_segment_sizes.size()) return;
  const uint16_t most = snapshot.max_segment_sizes[real.timeouts];
  if (most != 0) lower_segment_size(packet.tcp, most);
}

}  // namespace shunt::dataplane
