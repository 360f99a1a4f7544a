// fullnat's and snat's local end: an address of a pool and a port, such that the reply is unique in this worker's table and
// comes to this worker (steering.h). Worker only.
//
// How many: the whole tuple decides, so one local address carries 64,512 connections (ports 1024 to 65535) to each real
// address and port, in each protocol, not in all. Several workers share these evenly: each may use those ports of the
// real whose replies RSS brings to it.
//
// A search goes in turn through all of the worker's local ends toward that real and begins after the one taken last, so
// a free one is nearly always the first looked at. It is bounded: kShortSearch ends for every SYN, and beyond them
// kProbesPerMs a millisecond in all. One that finds none refuses its SYN, and the next search for that real goes on
// where it stopped, so that a free end is found within one round. When the real holds as many connections as there
// are ends, a SYN is refused after a glance.
#pragma once

#include "dataplane/connection.h"
#include "dataplane/snapshot.h"
#include "dataplane/steering.h"

namespace shunt::dataplane {

struct Worker;

// Ends that every search may look at, that searches beyond those may look at in a millisecond, and that one looks at
// when the real has as many connections as there are ends. A burst of 32 SYNs stays below 50 us.
inline constexpr uint32_t kShortSearch = 32;
inline constexpr uint32_t kProbesPerMs = 1024;
inline constexpr uint32_t kGlance = 8;

// What a worker's searches share.
struct LocalPortSearch {
  // Where a real's turns begin. Not the same after a restart: reals remember the connections of before.
  uint32_t first_turn = 0;
  // Left of kProbesPerMs.
  uint32_t probes_left = kProbesPerMs;
  Tick refilled = 0;
};

// Where local ends are taken from.
struct LocalPool {
  static constexpr uint32_t kNoHome = UINT32_MAX;

  std::span<const IpAddress> addresses;  // not empty
  uint16_t first_port = kFirstLocalPort;  // and not below it
  uint16_t last_port = UINT16_MAX;
  // The place of the address that a search begins with and leaves only where its ports seem to be taken, so that who has
  // several connections has one address (RFC 4787 section 4.1, "paired"). kNoHome: all addresses by turn.
  uint32_t home = kNoHome;
};

// Completes connection.reply, whose source (the real) is set, with a free local address and port; one whose
// connection is past its time is free. False: none was found. `many_ports`: the real takes connections on more than one
// port, so that its connections may be more than the ends toward one.
template <typename Ip>
bool choose_local(Worker& worker, const LocalPool& pool, bool many_ports, typename Ip::Entry& connection) noexcept;

// The end that choose_local() would find, nothing changed: completes `reply` of a new connection to `real`. False:
// none.
template <typename Ip>
bool peek_local(Worker& worker, const LocalPool& pool, RealId real, bool many_ports, typename Ip::Key& reply) noexcept;

}  // namespace shunt::dataplane
