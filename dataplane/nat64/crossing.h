// Clients and reals of different families, under fullnat (NAT64, NAT46). Worker only.
//
// In here such a connection is IPv6 on both sides, with mapped addresses (src/base/address.h) on the one that is IPv4 on the
// wire. So it is fullnat's like any other: its table, state, rewrite, limits and ICMP errors know nothing of it. IPv4
// packets of it cross where no IPv4 connection has them, and what is to leave for a mapped address crosses back on its way
// out; translate.h has what that does to a packet.
#pragma once

#include <span>

#include "dataplane/nat64/translate.h"
#include "dataplane/settle.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// Of IPv4 packets that the IPv4 table surely has no connection for: what find_crossing() reads, in two walks, as of others
// (find.h).
void fetch_buckets_across(const Worker& worker, std::span<Packet> packets) noexcept;
void fetch_connections_across(const Worker& worker, std::span<Packet> packets) noexcept;

// The connection, which crosses, of an IPv4 packet, or of IPv4 packets with that key; entry nullptr: there is none.
ConnectionTable6::Found find_crossing(Worker& worker, const Packet& packet) noexcept;
ConnectionTable6::Found find_crossing(Worker& worker, const FlowKey& key) noexcept;

// An IPv4 packet goes on as IPv6, by that connection if there is one; false: it is decided: dropped, or cut first, each piece to
// begin its journey anew. REQUIRES a key.
bool cross(Worker& worker, const ConnectionTable6::Found& found, Packet& packet) noexcept;
// The same of an ICMP error; false: it is dropped.
bool cross_error(Worker& worker, const IcmpMessage<Ipv4>& error, Packet& packet) noexcept;

// One that crossed and was not sent: what it became or will be once more is IPv4.
void cross_back(Worker& worker, Packet& packet) noexcept;

// Queues a packet, which is of IPv4 if its destination is mapped. False: it cannot be, and is dropped.
bool queue_crossing(Worker& worker, uint16_t port, Packet& packet) noexcept;
// The same of a frame of ours, IPv6's or IPv4's; one that cannot be is dropped.
void queue_own(Worker& worker, uint16_t port, rte_mbuf* mbuf) noexcept;

}  // namespace shunt::dataplane
