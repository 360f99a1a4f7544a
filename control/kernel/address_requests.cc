#include "control/kernel/address_requests.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include <cerrno>
#include <cstdint>

#include "control/kernel/kernel_messages.h"

namespace shunt::control {
namespace {

// Linux's INFINITY_LIFE_TIME.
constexpr uint32_t kForEver = 0xffffffff;

NetlinkMessage address_message(int type, int flags, int ifindex, const InterfaceAddress& address) {
  ifaddrmsg header{};
  header.ifa_family = address.address.is_v4() ? AF_INET : AF_INET6;
  header.ifa_prefixlen = address.length;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = static_cast<uint32_t>(ifindex);
  NetlinkMessage message = make_request(type, flags, header);
  put_address(message.get(), IFA_LOCAL, address.address);
  put_address(message.get(), IFA_ADDRESS, address.address);
  return message;
}

}  // namespace

int add_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address,
                          AddressUse use) {
  const bool is_v4 = address.address.is_v4();
  const NetlinkMessage message =
      address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
  nla_put_u32(message.get(), IFA_FLAGS,
              (use == AddressUse::kAnswered ? IFA_F_NOPREFIXROUTE : 0) | (is_v4 ? 0 : IFA_F_NODAD));
  if (!is_v4 && use == AddressUse::kAnswered) {
    // Linux takes any IPv6 address of an interface as a source, the closest to the destination
    // first, but a deprecated one only when there is no other. IPv4's host addresses come last
    // anyway.
    ifa_cacheinfo lifetime{};
    lifetime.ifa_prefered = 0;
    lifetime.ifa_valid = kForEver;
    nla_put(message.get(), IFA_CACHEINFO, sizeof lifetime, &lifetime);
  }
  if (is_v4 && address.length < 31) {
    IpAddress broadcast = address.address;
    for (int bit = address.length; bit < 32; ++bit) broadcast.bytes[bit / 8] |= 0x80 >> (bit % 8);
    put_address(message.get(), IFA_BROADCAST, broadcast);
  }
  return netlink.request(message.get());
}

int remove_interface_address(NetlinkSocket& netlink, int ifindex, const InterfaceAddress& address) {
  return netlink.request(address_message(RTM_DELADDR, 0, ifindex, address).get());
}

int list_interface_addresses(NetlinkSocket& netlink, int ifindex,
                             std::vector<InterfaceAddress>& addresses) {
  const NetlinkMessage message = make_request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  int error = EINTR;
  for (int attempt = 0; attempt < 3 && error == EINTR; ++attempt) {
    addresses.clear();
    error = netlink.dump(message.get(), [&](nlmsghdr* part) {
      if (part->nlmsg_type != RTM_NEWADDR) return;
      const auto found = parse_address(part);
      if (found && found->ifindex == ifindex) addresses.push_back(found->address);
    });
  }
  return error;
}

}  // namespace shunt::control
