// UDP's ways of telling who the client is: UOA in a connection's first packets, as DPVS writes it (ip_vs_proto_udp.c
// udp_insert_uoa), and PROXY in front of every datagram, since any of them may be lost. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a request, rewritten. False: the packet is decided.
template <typename Ip>
bool tell_by_uoa(Worker& worker, typename Ip::Entry& connection, Packet& packet) noexcept;
template <typename Ip>
bool tell_by_proxy_datagram(const typename Ip::Entry& connection, Packet& packet) noexcept;

}  // namespace shunt::dataplane
