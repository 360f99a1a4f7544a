// A fullnat connection whose real is to be told who its client is: what that does to packets of both directions, in place
// of the plain rewrite. Worker only.
#pragma once

#include "dataplane/client_address/carrying.h"
#include "dataplane/family.h"
#include "dataplane/next_hops.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For the connection that a `packet` opened, at its beginning.
template <typename Entry>
void begin_to_carry(Worker& worker, const ClientAddress& how, const Packet& packet, Entry& connection) noexcept;

// What rewrite_fullnat_request() does, and the client's address with it, perhaps in a frame of its own that leaves by `way`
// before this one. The frame, which may begin elsewhere now; nullptr: the packet is decided. REQUIRES carries().
template <typename Ip>
EthernetHeader* carry_request(Worker& worker, const WayOut& way, typename Ip::Entry& connection,
                              Packet& packet) noexcept;

// What rewrite_fullnat_reply() does; replies tell how far the real is. REQUIRES carries().
template <typename Ip>
void carry_reply(Worker& worker, const RealEntry& real, typename Ip::Entry& connection, Packet& packet) noexcept;

}  // namespace shunt::dataplane
