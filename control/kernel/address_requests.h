// Requests to the kernel about an interface's addresses. They wait for the kernel's answer
// (microseconds) and return 0 or an errno value.
#pragma once

#include <vector>

#include "control/kernel/netlink.h"
#include "src/base/address.h"

namespace shunt::control {

// What an address on an interface is for.
enum class AddressUse {
  kMachine,   // the machine's own: with the route of its network, and Linux speaks from it
  kAnswered,  // answered for only: no route, and Linux does not choose it as a source by itself
};

// Usable at once: duplicate address detection is left out, since it would ask before the port
// forwards. EEXIST: it is there already.
int add_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address,
                          AddressUse use);
// EADDRNOTAVAIL: it is not there.
int remove_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address);
int list_interface_addresses(NetlinkSocket& netlink, int ifindex,
                             std::vector<InterfaceAddress>& addresses);

}  // namespace shunt::control
