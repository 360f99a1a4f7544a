#include "tests/support/families.h"

#include <cstring>

#include "tests/support/packet_builder.h"

namespace shunt::test {

std::string in_family(AddressFamily family, std::string_view ipv4) {
  if (family == AddressFamily::kIpv4) return std::string(ipv4);
  const Be32 address = v4(ipv4);
  const uint32_t number = address.host();
  IpAddress twin = ip("2001:db8::");
  const uint32_t network = number >> 8;
  if (network == v4("10.0.0.0").host() >> 8) {
    twin.bytes[5] = 1;
    twin.bytes[15] = static_cast<uint8_t>(number);
  } else if (network == v4("198.18.0.0").host() >> 8) {
    twin.bytes[15] = static_cast<uint8_t>(number);
  } else {
    twin.bytes[5] = 0xff;
    std::memcpy(&twin.bytes[12], &address.raw, 4);
  }
  return twin.to_string();
}

}  // namespace shunt::test
