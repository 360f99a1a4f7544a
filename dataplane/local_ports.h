// fullnat's local end: an address of the service's pool and a port, such that the real's reply is unique in this
// worker's table and names its worker (port modulo the number of workers). A pool address carries about 64,000
// connections to each real and port, not in all: the whole tuple decides. Worker only.
#pragma once

#include "dataplane/connection.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

inline constexpr uint32_t kFirstLocalPort = 1024;
inline constexpr uint32_t kLocalPorts = 65536 - kFirstLocalPort;

// The worker that owns a local port.
constexpr uint32_t owner_of_local_port(Be16 port, uint32_t workers) noexcept { return port.host() % workers; }

// Completes connection.reply, whose source (the real) is set, with a free local address and port. False: none of
// the tries was free.
bool choose_local(Worker& worker, const ServiceEntry& service, Connection& connection) noexcept;

}  // namespace shunt::dataplane
