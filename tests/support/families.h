// Tests that are the same for both families: written with IPv4 addresses, run with those and with
// their twins.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "src/base/address.h"

namespace shunt::test {

// An IPv4 address of the tests' network (worker_fixture.h), or its IPv6 twin: 10.0.0.N's is
// 2001:db8:1::N, 198.18.0.N's is 2001:db8::N (N in hexadecimal), any other a.b.c.d's is
// 2001:db8:ff::a.b.c.d. In canonical form, as packets are told in words.
std::string in_family(AddressFamily family, std::string_view ipv4);

class InBothFamilies : public testing::TestWithParam<AddressFamily> {
 protected:
  static bool is_v6() { return GetParam() == AddressFamily::kIpv6; }
  static std::string at(std::string_view ipv4) { return in_family(GetParam(), ipv4); }
  // Where TCP's or UDP's header begins in a frame without IP options or extension headers.
  static size_t l4_place() { return is_v6() ? 54 : 34; }
};

inline const auto kBothFamilies = testing::Values(AddressFamily::kIpv4, AddressFamily::kIpv6);
inline std::string family_name(const testing::TestParamInfo<AddressFamily>& info) {
  return info.param == AddressFamily::kIpv4 ? "Ipv4" : "Ipv6";
}

}  // namespace shunt::test
