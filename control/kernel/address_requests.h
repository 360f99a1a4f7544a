// Requests to the kernel about an interface's addresses. They wait for the kernel's answer
// (microseconds) and return 0 or an errno value.
#pragma once

#include <cstdint>
#include <vector>

#include "control/kernel/netlink.h"
#include "src/base/address.h"

namespace shunt::control {

// `flags` are IFA_F_ values. EEXIST: it is there already.
int add_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address,
                          uint32_t flags);
// EADDRNOTAVAIL: it is not there.
int remove_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address);
int list_interface_addresses(NetlinkSocket& netlink, int ifindex,
                             std::vector<InterfaceAddress>& addresses);

}  // namespace shunt::control
