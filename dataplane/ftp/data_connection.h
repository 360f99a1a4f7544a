// Data connections that FTP's control connections announced, from their first packet on: it is expected (expectations.h), and
// makes a connection like others to the real of the control connection, whatever a scheduler would say, the real be drained,
// removed, or its service gone. Worker only.
//
// Which worker. Under nat the one that the client names, as always. Under fullnat a passive one is, as always, the worker's
// that its client reaches; of an active one, which the real begins, that worker's that the real's packets reach, and of the
// VIP's ports it gets one from which the client's reach it, too (steering.h): the one before the service's, 20, if it is of
// these. A packet to another worker finds no service at that port of the VIP, or none that it opens, and is handed over
// by the same rule.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a TCP packet of no connection that is perhaps expected. connection nullptr: it is not, or is decided.
template <typename Ip>
Flow<Ip> admit_data(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept;

// It is one: no other real has what its client comes for, whether its own gets new connections or not.
template <typename Entry>
bool is_data_connection(const RealEntry& real, const Entry& connection) noexcept {
  return real.has_ftp() && !is_ftp(connection);
}

// For a packet of no connection to which no service gives one: true when it goes to the worker that would have it if it were
// of a data connection, or must not go on here.
template <typename Ip>
bool hand_off_data(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept;

}  // namespace shunt::dataplane
