// What a worker would do with the first packet of a flow, and why, without the packet: the steps of find() and admit()
// asked in the same order, nothing created, moved or counted. Worker only; the answer is a value for any thread.
#pragma once

#include <optional>

#include "dataplane/choose.h"
#include "dataplane/connection.h"
#include "dataplane/next_hops.h"
#include "dataplane/snapshot.h"
#include "dataplane/verdict.h"

namespace shunt::dataplane {

struct Explanation {
  // The question. The packet is one that may open a connection: TCP's SYN, SCTP's INIT, any of UDP.
  IpFlow flow;
  uint16_t in_port = 0;  // DPDK id

  // The live connection that the packet is of, in this worker's table; the rest is of its real then.
  std::optional<ConnectionCopy> connection;
  Direction direction = Direction::kRequest;
  // The packet ends it and begins another.
  bool begins_anew = false;

  // Of a packet of no connection. kNoService: it is not for a service.
  ServiceId service = kNoService;
  // The service's access lists deny the client; nothing below but the owner is told then.
  bool is_denied = false;
  // The limit that it, or the client, is at now.
  std::optional<DropReason> over_limit;
  // Of those for no service: the slot of the rule of snat that the packet is for; kNoReal: for none. `real` below then
  // stands for the packet's destination.
  RealId snat = kNoReal;
  // What the destination is (AddressSlot::Kind).
  uint8_t destination_kinds = 0;
  // The worker that this one would hand it to; itself: nobody.
  uint32_t owner = 0;
  // Where RSS brings it; unset: ports have no RSS that tells.
  std::optional<uint32_t> steered_to;
  // One packet in so many that would open a connection is dropped (drop_packet); 0: none.
  uint32_t drop_rate = 0;
  bool is_table_full = false;

  Choice choice;
  // The real: the choice, or the connection's. Unset where there is none.
  std::optional<RealEntry> real;
  NextHop next_hop;  // where RealEntry::next_hop names one
  Route route{};     // where not
  bool link_up = false;
  // What the new connection would be replied to by: fullnat's and snat's local end. `has_reply` false: no local end is free, or,
  // under nat, another connection has it.
  bool has_reply = false;
  IpFlow reply;
};

// The live connection that a packet of the flow is of, whichever direction it has.
std::optional<ConnectionCopy> live_connection(Worker& worker, const Snapshot& snapshot, const IpFlow& flow) noexcept;

// Answers the question that `explanation` holds.
void explain(Worker& worker, const Snapshot& snapshot, Explanation& explanation) noexcept;

}  // namespace shunt::dataplane
