#include "dataplane/host_address.h"

#include <gtest/gtest.h>

namespace shunt::dataplane {
namespace {

TEST(HostAddress, OfWhomRoutersPassOn) {
  for (const char* text : {"1.0.0.0", "126.255.255.255", "128.0.0.1", "169.253.0.1", "223.255.255.255", "2001:db8::1", "fdff::1",
                           "fec0::1", "64:ff9b::1", "::2", "::192.0.2.1", "::fffe:0:1"}) {
    EXPECT_TRUE(is_routed_host(*IpAddress::parse(text))) << text;
  }
}

TEST(HostAddress, NotOfAnybodyElse) {
  for (const char* text : {"0.0.0.0", "0.255.255.255", "127.0.0.1", "169.254.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::",
                           "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:192.0.2.1"}) {
    EXPECT_FALSE(is_routed_host(*IpAddress::parse(text))) << text;
  }
}

}  // namespace
}  // namespace shunt::dataplane
