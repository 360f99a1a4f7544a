// What becomes of the new connections of a service that judges its reals by them: answered, not answered, refused, reset.
// Seen where replies come through us, and only in packets that change a connection's state: those of established
// connections cost nothing. Nothing is counted that a stranger could bring about by what he sends, as far as packets show
// that: see is_fit_to_be_watched() and note_reply(). Worker only.
#pragma once

#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A real that has said nothing for so long after the first SYN has not answered: clients have sent theirs anew after one
// second and after three (RFC 6298 section 5.7).
inline constexpr Tick kAnswerMs = 3000;

// The packet opens the connection, which is in the table, of a service that is watched.
template <typename Ip>
void begin_to_watch(Worker& worker, const Snapshot& snapshot, const Packet& packet,
                    typename Ip::Entry& connection) noexcept;

// Looks for the answers whose time has run out by now, some of them. To be called once a millisecond.
void look_for_answers(Worker& worker) noexcept;

// A packet of the real, counted already, that is not one of an established connection's data. REQUIRES
// kConnectionWatched.
template <typename Entry>
void note_reply(Worker& worker, Entry& connection, uint8_t tcp_flags) noexcept;

// The connection is come across, by whatever way, or ends. REQUIRES kConnectionWatched.
template <typename Entry>
void look_for_answer(Worker& worker, Entry& connection) noexcept;

}  // namespace shunt::dataplane
