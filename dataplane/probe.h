// Packets of health checks that go to a VIP's real as a client's would, by their service's method, but to a real that is
// named with them. What Linux sends and is none is not touched. Worker only.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// In mbufs from Linux: the real that a probe is for, or none, which leaves as it is.
inline void set_probed(rte_mbuf* mbuf, RealId real) noexcept { mbuf->hash.usr = real.index; }
inline RealId probed_by(const rte_mbuf* mbuf) noexcept { return {mbuf->hash.usr}; }

// An IP packet behind an Ethernet header whose addresses do not matter, to a service with replies that pass us by. `port`:
// a port with a kernel port. Sends it, or drops and counts it.
void send_probe(Worker& worker, const Snapshot& snapshot, uint16_t port, rte_mbuf* mbuf) noexcept;

}  // namespace shunt::dataplane
