// Packets of no connection: a new connection with a real, another worker's, or Linux's. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a packet that is not known: ends the connection that was `found`, if there is one, that is over or opened anew,
// gives it a real, with a connection if the table has room, and returns by what it goes on; or decides what else becomes
// of it. An IPv4 packet may have become an IPv6 one, undecided (nat64/crossing.h).
template <typename Ip>
Flow<Ip> admit(Worker& worker, const Snapshot& snapshot, Packet& packet, const Flow<Ip>& found) noexcept;

// Where a service's packets of a flow go that may have found the table full: a stateless scheduler says so without a
// connection. kNoReal: they have a connection or are none.
RealId real_of_untracked(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                         const IpFlow& request) noexcept;

// For an ICMP error, `packet`, about an answer to a request of no connection, with sysctl schedule_icmp: a real, with a
// connection that waits three seconds for its first packet. real kNoReal: the packet is decided.
template <typename Ip>
Flow<Ip> admit_error(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                     const typename Ip::Key& request, Packet& packet) noexcept;

// Whether the packet ends the live connection that was found for it, and begins another.
template <typename Ip>
bool begins_anew(const Snapshot& snapshot, const Packet& packet, const Flow<Ip>& found) noexcept;

}  // namespace shunt::dataplane
