// Source NAT: machines behind us, a service's reals or whole networks, reach out from addresses of ours. What they send that
// is of no connection and for no service gets a connection by the first rule that fits, which names a pool; replies come to
// the pool's address and port and are found as fullnat's are (local_ports.h, steering.h). In the words of connections:
// what is sent out is the request, its destination the real. DPVS has the same as services whose destination is a match
// (D:src/ipvs/ip_vs_core.c). Worker only.
//
// Which worker: the one that sees the first packet, and that is where network cards bring those behind it; of what a nat
// real sends, which may be a reply, the one that its other end names (owner.h).
#pragma once

#include "dataplane/family.h"
#include "dataplane/local_ports.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The rule for a packet of no connection and no service that came in on the port `in_port` (DPDK id); nullptr: none, or it
// is for this machine or for no single one, which is Linux's. Any thread while the snapshot lives.
const SnatEntry* find_snat(const Snapshot& snapshot, const IpFlow& flow, uint16_t in_port) noexcept;

// The rule's pool for a connection of `source`.
LocalPool pool_of(const SnatEntry& rule, const IpAddress& source) noexcept;

// For a packet that the rule is for: a connection, or the packet is decided.
template <typename Ip>
Flow<Ip> admit_snat(Worker& worker, const Snapshot& snapshot, const SnatEntry& rule, Packet& packet) noexcept;

}  // namespace shunt::dataplane
