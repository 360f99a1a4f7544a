// ICMP errors about packets of connections: they go where the connection's packets in their direction go, translated as
// those are (ip_vs_core.c ip_vs_in_icmp, ip_vs_in_icmp_v6, ip_vs_out_icmp, ip_vs_out_icmp_v6). They open no connection,
// but with sysctl schedule_icmp, end none and keep none alive. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/find.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// True: it was sent on. False: the packet is decided.
template <typename Ip>
bool relay_error_of(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept;

// The same for any packet of the burst that was not sent on; what is no ICMP error stays decided as it is.
inline bool relay_error(Worker& worker, const Snapshot& snapshot, Burst& burst, Packet& packet) noexcept {
  const bool is_v4 = packet.verdict == Ipv4::kIcmpError;
  if (!is_v4 && packet.verdict != Ipv6::kIcmpError) return false;
  if (snapshot.sysctls.schedule_icmp) search_anew(burst, packet);
  return is_v4 ? relay_error_of<Ipv4>(worker, snapshot, packet) : relay_error_of<Ipv6>(worker, snapshot, packet);
}

}  // namespace shunt::dataplane
