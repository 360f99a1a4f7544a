// The ICMP errors that Shunt answers with, as each family has them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "dataplane/answer.h"
#include "tests/support/packet_builder.h"

namespace shunt::dataplane {

// The answer to `packet`, which it quotes as it came, as far as an answer may be long; without its addresses.
// RFC 792 and RFC 1812: 576 bytes, marked internetwork control; RFC 4443: 1280 bytes.
inline test::PacketBuilder answer_to(const test::PacketBuilder& packet, Answer answer, uint32_t mtu = 0) {
  struct Kind {
    uint8_t type;
    uint8_t code;
  };
  constexpr Kind kIpv4[] = {{3, 3}, {3, 4}, {11, 0}, {3, 13}};
  constexpr Kind kIpv6[] = {{1, 4}, {2, 0}, {3, 0}, {1, 1}};
  const Kind kind = (packet.is_v6() ? kIpv6 : kIpv4)[static_cast<size_t>(answer)];
  test::Bytes quoted = packet.ip_bytes();
  quoted.resize(std::min<size_t>(quoted.size(), packet.is_v6() ? 1280 - 40 - 8 : 576 - 20 - 8));
  return test::a_packet().icmp(kind.type, kind.code, mtu).payload(quoted).tos(packet.is_v6() ? 0 : 0xc0);
}

}  // namespace shunt::dataplane
