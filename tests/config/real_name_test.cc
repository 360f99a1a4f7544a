#include "config/real_name.h"

#include <gtest/gtest.h>

namespace shunt::config {
namespace {

TEST(RealName, AnEndpointHasItsAddressInItsOneForm) {
  EXPECT_EQ(endpoint("10.0.0.1", 80), "10.0.0.1:80");
  EXPECT_EQ(endpoint("2001:DB8:0::1", 80), "[2001:db8::1]:80");
  EXPECT_EQ(endpoint("2001:db8:0:1:1:1:1:1", 443), "[2001:db8:0:1:1:1:1:1]:443");
  EXPECT_EQ(endpoint("nonsense", 80), "nonsense:80");
}

TEST(RealName, AnAddressAndPortHasOneForm) {
  EXPECT_EQ(canonical_real_name("10.0.0.1:80"), "10.0.0.1:80");
  EXPECT_EQ(canonical_real_name("10.0.0.1:080"), "10.0.0.1:80");
  EXPECT_EQ(canonical_real_name("[2001:db8::1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(canonical_real_name("[2001:DB8:0:0::1]:80"), "[2001:db8::1]:80");
}

TEST(RealName, AnyOtherNameStaysAsItIs) {
  for (const char* name : {"", "web-1", "WEB:80", "10.0.0.1", "2001:DB8::1", "2001:DB8::1:80",
                           "[2001:DB8::1]", "[2001:DB8::1]:", "[2001:DB8::1]:x",
                           "[2001:DB8::1]:65536", "[10.0.0.1]:080", "[]:80", "[", ":"}) {
    EXPECT_EQ(canonical_real_name(name), name);
  }
}

TEST(RealName, ARealIsCalledByItsNameOrItsAddressAndTheServicesPort) {
  v1::Service service;
  service.set_port(80);
  v1::Real real;
  EXPECT_EQ(name_of(real, service), "");
  real.set_address("2001:DB8::1");
  EXPECT_EQ(name_of(real, service), "[2001:db8::1]:80");
  real.set_port(8080);
  EXPECT_EQ(name_of(real, service), "[2001:db8::1]:8080");
  real.set_name("a");
  EXPECT_EQ(name_of(real, service), "a");
}

}  // namespace
}  // namespace shunt::config
