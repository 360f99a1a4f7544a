// TOA: the client's address and port as a TCP option, as DPVS writes it (ip_vs_proto_tcp.c tcp_in_add_toa): kind, length,
// port, address. The real's module takes it from the segment that ends the handshake. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a request and a reply of a connection that is opening and carries TOA, rewritten, with a TCP header.
template <typename Ip>
void tell_by_toa(Worker& worker, const typename Ip::Entry& connection, Packet& packet) noexcept;
template <typename Ip>
void hear_of_toa(const RealEntry& real, typename Ip::Entry& connection, const Packet& packet) noexcept;

}  // namespace shunt::dataplane
