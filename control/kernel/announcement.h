// What tells the neighbours of an interface that an address is there now. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/address.h"

namespace shunt::control {

// The Ethernet frame that says to everybody "`address` is at `mac`": an ARP announcement (RFC 5227
// section 3), or an unsolicited neighbour advertisement that overrides what they know (RFC 4861
// section 7.2.6).
std::vector<uint8_t> announcement_frame(const MacAddress& mac, const IpAddress& address);

}  // namespace shunt::control
