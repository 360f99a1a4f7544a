#include "control/kernel/kernel_messages.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace shunt::control {
namespace {

template <int kMax>
using Attributes = std::array<nlattr*, kMax + 1>;

template <typename Header, int kMax>
const Header* parse_message(nlmsghdr* message, Attributes<kMax>& attributes) {
  if (nlmsg_parse(message, sizeof(Header), attributes.data(), kMax, nullptr) < 0) return nullptr;
  return static_cast<const Header*>(nlmsg_data(message));
}

std::optional<IpAddress> address_of(int family, const void* bytes, int length) {
  if (!(family == AF_INET && length == 4) && !(family == AF_INET6 && length == 16))
    return std::nullopt;
  IpAddress address;
  address.family = family == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  std::memcpy(address.bytes.data(), bytes, length);
  return address;
}

std::optional<IpAddress> address_of(int family, const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  return address_of(family, nla_data(attribute), nla_len(attribute));
}

uint32_t number_of(const nlattr* attribute) {
  return attribute != nullptr && nla_len(attribute) >= 4 ? nla_get_u32(attribute) : 0;
}

// An IPv4 route may have an IPv6 gateway (RFC 8950), which then is in RTA_VIA.
std::optional<IpAddress> gateway_of(int family, const nlattr* gateway, const nlattr* via) {
  if (gateway != nullptr) return address_of(family, gateway);
  if (via == nullptr || nla_len(via) < static_cast<int>(sizeof(rtvia))) return std::nullopt;
  const auto* other = static_cast<const rtvia*>(nla_data(via));
  return address_of(other->rtvia_family, other->rtvia_addr,
                    nla_len(via) - static_cast<int>(sizeof(rtvia)));
}

std::vector<RouteHop> multipath_hops(int family, const nlattr* multipath) {
  std::vector<RouteHop> hops;
  auto* hop = static_cast<rtnexthop*>(nla_data(multipath));
  int left = nla_len(multipath);
  while (left >= static_cast<int>(sizeof *hop) && hop->rtnh_len >= sizeof *hop &&
         hop->rtnh_len <= left) {
    Attributes<RTA_MAX> attributes{};
    nla_parse(attributes.data(), RTA_MAX, reinterpret_cast<nlattr*>(RTNH_DATA(hop)),
              hop->rtnh_len - static_cast<int>(sizeof *hop), nullptr);
    if (!(hop->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)))
      hops.push_back(
          {hop->rtnh_ifindex, gateway_of(family, attributes[RTA_GATEWAY], attributes[RTA_VIA])});
    left -= RTNH_ALIGN(hop->rtnh_len);
    hop = RTNH_NEXT(hop);
  }
  return hops;
}

bool is_multicast(const IpAddress& address) {
  return address.is_v4() ? (address.bytes[0] & 0xf0) == 0xe0 : address.bytes[0] == 0xff;
}

}  // namespace

std::optional<LinkMessage> parse_link(nlmsghdr* message) {
  Attributes<IFLA_MAX> attributes{};
  const auto* header = parse_message<ifinfomsg, IFLA_MAX>(message, attributes);
  // Other families' link messages (bridge ports, IPv6 settings) describe the same device partially.
  if (header == nullptr || header->ifi_family != AF_UNSPEC || attributes[IFLA_IFNAME] == nullptr)
    return std::nullopt;
  return LinkMessage{
      header->ifi_index, nla_get_string(attributes[IFLA_IFNAME]), (header->ifi_flags & IFF_UP) != 0,
      static_cast<uint16_t>(std::min<uint32_t>(number_of(attributes[IFLA_MTU]), UINT16_MAX))};
}

std::optional<AddressMessage> parse_address(nlmsghdr* message) {
  Attributes<IFA_MAX> attributes{};
  const auto* header = parse_message<ifaddrmsg, IFA_MAX>(message, attributes);
  if (header == nullptr) return std::nullopt;
  // IFA_ADDRESS is the peer's on a point-to-point interface; IPv6 leaves IFA_LOCAL out when there
  // is no peer.
  const nlattr* own = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
  const auto address = address_of(header->ifa_family, own);
  if (!address) return std::nullopt;
  const uint32_t flags =
      attributes[IFA_FLAGS] ? number_of(attributes[IFA_FLAGS]) : header->ifa_flags;
  return AddressMessage{static_cast<int>(header->ifa_index),
                        {*address, header->ifa_prefixlen},
                        !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))};
}

std::optional<RouteMessage> parse_route(nlmsghdr* message) {
  Attributes<RTA_MAX> attributes{};
  const auto* header = parse_message<rtmsg, RTA_MAX>(message, attributes);
  if (header == nullptr) return std::nullopt;
  const int family = header->rtm_family;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  const uint32_t table =
      attributes[RTA_TABLE] ? number_of(attributes[RTA_TABLE]) : header->rtm_table;
  if (table != RT_TABLE_MAIN || header->rtm_tos != 0 || (header->rtm_flags & RTM_F_CLONED))
    return std::nullopt;

  RouteMessage route;
  route.prefix.length = header->rtm_dst_len;
  if (const auto destination = address_of(family, attributes[RTA_DST]))
    route.prefix.address = *destination;
  else if (family == AF_INET6)
    route.prefix.address.family = AddressFamily::kIpv6;
  route.metric = number_of(attributes[RTA_PRIORITY]);
  route.source = address_of(family, attributes[RTA_PREFSRC]);
  if (header->rtm_type != RTN_UNICAST) return route;
  if (attributes[RTA_MULTIPATH])
    route.hops = multipath_hops(family, attributes[RTA_MULTIPATH]);
  else if (!(header->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)))
    route.hops.push_back({static_cast<int>(number_of(attributes[RTA_OIF])),
                          gateway_of(family, attributes[RTA_GATEWAY], attributes[RTA_VIA])});
  return route;
}

std::optional<NeighbourMessage> parse_neighbour(nlmsghdr* message) {
  Attributes<NDA_MAX> attributes{};
  const auto* header = parse_message<ndmsg, NDA_MAX>(message, attributes);
  if (header == nullptr || (header->ndm_flags & NTF_PROXY)) return std::nullopt;
  const auto address = address_of(header->ndm_family, attributes[NDA_DST]);
  if (!address || is_multicast(*address)) return std::nullopt;

  NeighbourMessage neighbour{header->ndm_ifindex, *address, std::nullopt, false};
  constexpr int kUsable =
      NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  const nlattr* lladdr = attributes[NDA_LLADDR];
  if ((header->ndm_state & kUsable) && lladdr != nullptr && nla_len(lladdr) == 6) {
    MacAddress mac;
    std::memcpy(mac.bytes.data(), nla_data(lladdr), 6);
    if (!mac.is_zero()) neighbour.mac = mac;
    neighbour.is_fixed = (header->ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0;
  }
  return neighbour;
}

}  // namespace shunt::control
