// What only some kernels do: messages made by hand.
#include "control/kernel/mirror_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "control/kernel/netlink.h"

namespace shunt::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

constexpr int kOurs = 11, kForeign = 12;
constexpr uint16_t kPort = 3;

NetlinkMessage link_message(int ifindex, const char* name, bool up) {
  ifinfomsg header{};
  header.ifi_index = ifindex;
  header.ifi_flags = up ? IFF_UP : 0;
  NetlinkMessage message = make_request(RTM_NEWLINK, 0, header);
  nla_put_string(message.get(), IFLA_IFNAME, name);
  nla_put_u32(message.get(), IFLA_MTU, 1500);
  return message;
}

NetlinkMessage address_message(int type, int ifindex, const char* text, uint32_t flags = 0) {
  const InterfaceAddress own = *InterfaceAddress::parse(text);
  ifaddrmsg header{};
  header.ifa_family = own.address.is_v4() ? AF_INET : AF_INET6;
  header.ifa_prefixlen = own.length;
  header.ifa_index = static_cast<uint32_t>(ifindex);
  NetlinkMessage message = make_request(type, 0, header);
  put_address(message.get(), IFA_ADDRESS, own.address);
  nla_put_u32(message.get(), IFA_FLAGS, flags);
  return message;
}

struct RouteShape {
  const char* prefix = "10.5.0.0/16";
  int ifindex = kOurs;
  int type = RTM_NEWROUTE;
  uint8_t table = RT_TABLE_MAIN;
  uint8_t tos = 0;
  unsigned flags = 0;
  uint8_t kind = RTN_UNICAST;
  const char* source = nullptr;
};

NetlinkMessage route_message(const RouteShape& shape) {
  const Prefix prefix = *Prefix::parse(shape.prefix);
  rtmsg header{};
  header.rtm_family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  header.rtm_dst_len = prefix.length;
  header.rtm_table = shape.table;
  header.rtm_tos = shape.tos;
  header.rtm_type = shape.kind;
  header.rtm_flags = shape.flags;
  NetlinkMessage message = make_request(shape.type, 0, header);
  put_address(message.get(), RTA_DST, prefix.address);
  nla_put_u32(message.get(), RTA_OIF, static_cast<uint32_t>(shape.ifindex));
  if (shape.source) put_address(message.get(), RTA_PREFSRC, address(shape.source));
  return message;
}

class MirrorPictureTest : public ::testing::Test {
 protected:
  MirrorPictureTest() { add(link_message(kOurs, "sh-m0", true)); }

  void add(const NetlinkMessage& message) { picture_.add(nlmsg_hdr(message.get())); }
  bool outdated_by(const NetlinkMessage& message) const {
    return picture_.is_outdated_by(nlmsg_hdr(message.get()), false);
  }

  MirrorPicture picture_{{{kPort, "sh-m0"}}};
};

TEST_F(MirrorPictureTest, ASourceAddressThatGoesElsewhereOutdatesItsRoutes) {
  add(route_message({.source = "192.0.2.1"}));
  EXPECT_TRUE(outdated_by(address_message(RTM_DELADDR, kForeign, "192.0.2.1/32")));
  EXPECT_FALSE(outdated_by(address_message(RTM_DELADDR, kForeign, "192.0.2.2/32")));
  EXPECT_FALSE(outdated_by(address_message(RTM_NEWADDR, kForeign, "192.0.2.1/32")));
}

TEST_F(MirrorPictureTest, AForeignRouteOutdatesOursOfThatPrefixOnly) {
  add(route_message({}));
  EXPECT_TRUE(outdated_by(route_message({.ifindex = kForeign})));
  EXPECT_FALSE(outdated_by(route_message({.prefix = "10.5.0.0/17", .ifindex = kForeign})));
  EXPECT_FALSE(outdated_by(route_message({.ifindex = kForeign, .table = RT_TABLE_LOCAL})));
}

TEST_F(MirrorPictureTest, DeadRoutesAndThoseForOneTypeOfServiceStayOut) {
  add(route_message({.flags = RTNH_F_DEAD}));
  add(route_message({.flags = RTNH_F_LINKDOWN}));
  add(route_message({.tos = 0x10}));
  EXPECT_THAT(picture_.view().routes, IsEmpty());
  add(route_message({}));
  EXPECT_EQ(picture_.view().routes.size(), 1u);
}

TEST_F(MirrorPictureTest, Ipv6RoutesThatAreNoWayToSomewhereStayOut) {
  constexpr const char* kPrefix = "2001:db8:5::/48";
  // Linux keeps a path's MTU as a clone of its route.
  add(route_message({.prefix = kPrefix, .flags = RTM_F_CLONED}));
  add(route_message({.prefix = "ff00::/8", .kind = RTN_MULTICAST}));
  add(route_message({.prefix = kPrefix, .kind = RTN_UNREACHABLE}));
  add(route_message({.prefix = "2001:db8::1/128", .kind = RTN_LOCAL}));
  add(route_message({.prefix = "2001:db8::1/128", .table = RT_TABLE_LOCAL}));
  EXPECT_THAT(picture_.view().routes, IsEmpty());
  add(route_message({.prefix = kPrefix}));
  EXPECT_THAT(picture_.view().routes,
              ElementsAre(KernelRoute{*Prefix::parse(kPrefix), kPort, {}, 0, {}}));
}

TEST_F(MirrorPictureTest, AnAddressUnderDuplicateDetectionIsNotThereYet) {
  add(address_message(RTM_NEWADDR, kOurs, "2001:db8::1/64", IFA_F_TENTATIVE));
  add(address_message(RTM_NEWADDR, kOurs, "2001:db8::2/64", IFA_F_DADFAILED));
  add(address_message(RTM_NEWADDR, kOurs, "2001:db8::3/64", IFA_F_PERMANENT));
  EXPECT_THAT(picture_.view().links.at(0).addresses,
              ElementsAre(*InterfaceAddress::parse("2001:db8::3/64")));
}

TEST_F(MirrorPictureTest, ALinkMessageWithoutNewsOutdatesNothing) {
  EXPECT_FALSE(outdated_by(link_message(kOurs, "sh-m0", true)));
  EXPECT_TRUE(outdated_by(link_message(kOurs, "sh-m0", false)));
  EXPECT_TRUE(outdated_by(link_message(kOurs, "renamed", true)));
  EXPECT_FALSE(outdated_by(link_message(kForeign, "eth0", true)));
  EXPECT_TRUE(outdated_by(link_message(kForeign, "sh-m0", true)));
}

TEST_F(MirrorPictureTest, MalformedMessagesAreIgnored) {
  NetlinkMessage truncated = route_message({});
  nlmsg_hdr(truncated.get())->nlmsg_len = NLMSG_LENGTH(4);
  add(truncated);
  EXPECT_FALSE(outdated_by(truncated));
  // An address of a wrong length.
  ndmsg header{};
  header.ndm_family = AF_INET;
  header.ndm_ifindex = kOurs;
  header.ndm_state = NUD_REACHABLE;
  NetlinkMessage neighbour = make_request(RTM_NEWNEIGH, 0, header);
  nla_put(neighbour.get(), NDA_DST, 3, "abc");
  nla_put(neighbour.get(), NDA_LLADDR, 6, "abcdef");
  add(neighbour);
  EXPECT_THAT(picture_.view().routes, IsEmpty());
  EXPECT_THAT(picture_.view().neighbours, IsEmpty());
}

}  // namespace
}  // namespace shunt::control
