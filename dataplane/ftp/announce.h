// What a line of a control connection announces: an expectation, and the line as its receiver is to see it, which must
// name ends that it can reach. Worker only.
//
// Passive (227, 229): the client comes to the VIP, to the port that the real said, or to another where that is some other
// service's or expected already; whatever address the real said, it is the real of the control connection.
// Active (PORT, EPRT): the real comes. Under nat to the client itself; under fullnat to the control connection's local
// address and a port that is told in place of the client's.
//
// A client names its own address and a port from 1024 on (RFC 2577 section 3), or the line is disarmed: neither dropped,
// which would hold up a client behind a NAT for minutes whom the server's 500 tells to go passive, nor passed on, so that no
// server can be made to connect to others.
#pragma once

#include "dataplane/family.h"
#include "dataplane/ftp/control.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// The longest text of announce().
inline constexpr uint32_t kMostAnnouncement = kMostArgument + kMostEndpointBytes;

// `argument`: what follows the line's word, its end included. How many bytes of `text`, which has room for
// kMostAnnouncement, are to stand there.
template <typename Entry>
uint32_t announce(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control, FtpLine line,
                  std::span<const uint8_t> argument, uint8_t* text) noexcept;

}  // namespace shunt::dataplane
