// A packet of a control connection of FTP on its way: it is read, and made what its receiver is to see, in place of the plain
// rewrite. Worker only.
//
// What is not read in order is not passed on: its sender sends it again, after what was lost before it. So nothing of a line
// gets by unread, and a line that was changed is the same whenever it leaves.
#pragma once

#include "dataplane/family.h"
#include "dataplane/ftp/control.h"
#include "dataplane/icmp/quote.h"
#include "dataplane/next_hops.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For the connection that a `packet` opened, at its beginning: it will be read from its handshake's end on, if there is room.
template <typename Entry>
void begin_ftp(Worker& worker, const Packet& packet, Entry& connection) noexcept;
// It ends. REQUIRES is_ftp().
template <typename Entry>
void end_ftp(Worker& worker, const Entry& connection) noexcept;

// What the connection's rewrite does, and what reading the packet comes to. It may leave with up to `most` bytes as an IP
// packet; what it has no room for is left to its sender to send again. False: the packet is decided. REQUIRES is_ftp().
template <Direction kDirection, typename Ip>
bool pass_control(Worker& worker, const Snapshot& snapshot, typename Ip::Entry& connection, uint32_t most,
                  Packet& packet) noexcept;

// The packet that an ICMP error quotes, whose receiver sent it, gets the number that it was sent with. `kDirection`: in
// which the error travels. REQUIRES is_ftp().
template <Direction kDirection, typename Ip>
void mend_quote(const Worker& worker, const typename Ip::Entry& connection, const Quote<Ip>& quote) noexcept;

}  // namespace shunt::dataplane
