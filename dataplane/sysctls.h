// Switches of the whole dataplane, by the names, meanings and defaults of Linux IPVS's sysctls (net.ipv4.vs,
// ip_vs_ctl.c vs_vars). One struct for both planes: control takes it from the operator, the snapshot carries it to
// the workers.
#pragma once

#include <cstdint>

namespace shunt::dataplane {

// When a defence against floods works. IPVS counts 0 (off), 1 and 2 (by itself, resting and working), 3 (always).
enum class Defence : uint8_t {
  kOff,
  // While few entries of the worker's connection tables are free: Sysctls::amemthresh.
  kWhenScarce,
  kAlways,
};

struct Sysctls {
  // A request that opens a connection finds one that is over: bit 0 begins anew after TIME_WAIT and CLOSE, bit 1 after
  // FIN_WAIT too, where replies pass us by; 0: it goes to the old one's real.
  uint8_t conn_reuse_mode = 1;
  // Connections of a removed real end at once, and one that a drained real has begins anew by a SYN.
  bool expire_nodest_conn = false;
  // A persistent client's template ends once its real is drained.
  bool expire_quiescent_template = false;
  // Any packet but an RST (SCTP: but an ABORT) opens a connection of any service.
  bool sloppy_tcp = false;
  bool sloppy_sctp = false;
  // TCP goes by the table for times of attack (tcp_state.h).
  Defence secure_tcp = Defence::kOff;
  // Each second a part of the connections is looked at, and half-open and idle ones end.
  Defence drop_entry = Defence::kOff;
  // One in some packets that would open a connection is dropped.
  Defence drop_packet = Defence::kOff;
  // drop_packet always: one in so many.
  uint32_t am_droprate = 10;
  // What a nat real sends from its service's port of a connection that nobody knows is answered: port unreachable.
  bool nat_icmp_send = false;
  // An ICMP error about a packet of no connection gets a real and a connection, as a request would.
  bool schedule_icmp = false;
  // A tunnel's outer IPv4 header forbids cutting where the IPv4 packet inside does. Without it such packets are cut outside.
  bool pmtu_disc = true;
  // Percent of a table's entries: with fewer free, room is scarce.
  uint32_t amemthresh = 10;
  bool operator==(const Sysctls&) const noexcept = default;
};

}  // namespace shunt::dataplane
