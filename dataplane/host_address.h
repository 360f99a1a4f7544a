// Which addresses can be those of hosts beyond this link. Pure; any thread.
#pragma once

#include "src/base/address.h"

namespace shunt::dataplane {

// No router passes on what is from or for others, and hosts answer nothing that comes from them: RFC 1122 section 3.2.1.3,
// RFC 3927, RFC 4291 sections 2.5.2 to 2.5.6 and 2.7. An IPv4 address in IPv6's form is no packet's (Linux's ip6_input.c).
inline bool is_routed_host(const IpAddress& address) noexcept {
  const auto& bytes = address.bytes;
  if (address.is_v4()) {
    const bool is_link_local = bytes[0] == 169 && bytes[1] == 254;
    return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 && !is_link_local;
  }
  const bool is_link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  if (bytes[0] == 0xff || is_link_local) return false;
  for (size_t i = 0; i < 10; ++i) {
    if (bytes[i] != 0) return true;
  }
  const bool is_mapped = bytes[10] == 0xff && bytes[11] == 0xff;
  const bool is_last_byte_alone = bytes[10] == 0 && bytes[11] == 0 && bytes[12] == 0 && bytes[13] == 0 && bytes[14] == 0;
  return !is_mapped && !(is_last_byte_alone && bytes[15] <= 1);
}

}  // namespace shunt::dataplane
