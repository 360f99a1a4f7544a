// The PROXY header in front of a TCP client's stream: a segment of ours when the handshake ends, which the bare
// acknowledgement that ends it becomes, so that reals that speak first know whom they speak to. From then on the client's
// numbers are the header's bytes less than the real's. Worker only.
//
// The header is the first of the stream, and like all of it, sent again until the real has acknowledged it: whoever
// sends what follows it again is the client, who misses an answer for as long as the real misses the header.
#pragma once

#include "dataplane/family.h"
#include "dataplane/next_hops.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a request and a reply of a connection that carries PROXY over TCP, rewritten, with a TCP header. False: the packet is
// decided. `way`: on which a segment of ours leaves before it.
template <typename Ip>
bool tell_by_proxy(Worker& worker, const WayOut& way, typename Ip::Entry& connection, Packet& packet) noexcept;
template <typename Ip>
void hear_of_proxy(typename Ip::Entry& connection, const Packet& packet) noexcept;

}  // namespace shunt::dataplane
