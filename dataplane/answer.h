// ICMP errors of our own (RFC 792, RFC 1812 section 4.3; ICMPv6: RFC 4443) and TCP resets: the packet that cannot go on
// becomes the answer to its sender, in its own buffer. Worker only.
#pragma once

#include "dataplane/headers.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

enum class Answer : uint8_t { kPortUnreachable, kTooBig, kTimeExceeded, kProhibited };

// Counts the packet as dropped for `reason` and sends its sender the answer, unless the sender must not get one or
// too many were sent this second; then it is dropped. `mtu`: for kTooBig, in bytes of an IP packet.
template <typename Ip>
void drop_with_answer(Worker& worker, const Snapshot& snapshot, Packet& packet, DropReason reason, Answer answer,
                      uint16_t mtu = 0) noexcept;

// The `bytes` of a packet that an ICMP error quotes; they lie in the packet's own buffer.
struct Quoted {
  const void* ip;
  uint32_t bytes;
};

// Makes the packet an ICMP error of ours with that header, its checksum left to us, to the sender of the packet that it
// `quoted`, ready to leave by `way`; counts the packet as dropped for its reason. False: the sender must not get one, or
// too many were sent this second; nothing changed. REQUIRES packet.drop() was called.
template <typename Ip>
bool become_answer(Worker& worker, const Snapshot& snapshot, const Packet& packet, const Quoted& quoted,
                   const IcmpHeader& header, const WayOut& way) noexcept;
// The same with a reset, as from a closed port of the packet's destination (RFC 9293 section 3.10.7.1). REQUIRES TCP
// without RST.
template <typename Ip>
void drop_with_reset(Worker& worker, Packet& packet, DropReason reason) noexcept;

}  // namespace shunt::dataplane
