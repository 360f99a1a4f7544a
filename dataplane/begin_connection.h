// Where every new connection begins. Worker only.
#pragma once

#include "dataplane/expiry.h"
#include "dataplane/family.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A zeroed connection for the packet, room made if need be; nullptr: the table is full of better ones.
template <typename Ip>
typename Ip::Entry* allocate(Worker& worker) noexcept {
  auto& table = connections_of<Ip>(worker);
  typename Ip::Entry* connection = table.allocate();
  if (connection == nullptr && evict_half_open<Ip>(worker)) connection = table.allocate();
  return connection;
}

}  // namespace shunt::dataplane
