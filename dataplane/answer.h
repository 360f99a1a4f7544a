// ICMP errors of our own (RFC 792, RFC 1812 section 4.3; ICMPv6: RFC 4443): the packet that cannot go on becomes the
// answer to its sender, in its own buffer. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

enum class Answer : uint8_t { kPortUnreachable, kTooBig, kTimeExceeded };

// Counts the packet as dropped for `reason` and sends its sender the answer, unless the sender must not get one or
// too many were sent this second; then it is dropped. `mtu`: for kTooBig, in bytes of an IP packet.
template <typename Ip>
void drop_with_answer(Worker& worker, const Snapshot& snapshot, Packet& packet, DropReason reason, Answer answer,
                      uint16_t mtu = 0) noexcept;

}  // namespace shunt::dataplane
