// Is a frame that left what it had to become? Every field that forwarding touches is compared, both checksums by full
// sums over their pseudo-headers. Outside of what is timed.
#pragma once

#include <rte_mbuf.h>

#include <optional>

#include "dataplane/connection.h"
#include "dataplane/next_hops.h"
#include "dataplane/snapshot.h"

namespace shunt::bench {

struct Departure {
  dataplane::IpFlow flow;         // of the packet, or of the one inside of a tunnel's
  const dataplane::NextHop& hop;  // its frame's addresses, and the tunnel's near end
  // The tunnel's far end; nullptr: not tunnelled.
  const dataplane::RealEntry* tunnel_to = nullptr;
  // As it came, which Ethernet fills frames up for; unset: as it leaves.
  std::optional<AddressFamily> came{};
};

// nullptr when all is well, otherwise what is wrong.
const char* fault_of(const rte_mbuf* mbuf, const Departure& wanted) noexcept;

}  // namespace shunt::bench
