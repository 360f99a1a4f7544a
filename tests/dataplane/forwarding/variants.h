// The kinds of packets that every forwarding method must carry unharmed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dataplane/headers.h"
#include "tests/support/packet_builder.h"

namespace shunt::dataplane {

struct Variant {
  std::string name;
  bool is_udp;
  // Makes the variant of a packet that has only addresses and ports.
  std::function<void(test::PacketBuilder&)> apply;
};

inline std::vector<Variant> variants() {
  using test::PacketBuilder;
  return {
      {"SYN with options", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpSyn).tcp_options({2, 4, 5, 180, 1, 1, 4, 2}).df();
       }},
      {"TCP data of odd length", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpAck | kTcpPsh, 77, 99).payload_of(333).id(4711);
       }},
      {"TCP data of even length", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck, 0xffffffff, 0x80000000).payload_of(512); }},
      {"TCP with IP options", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpAck).ip_options({7, 7, 4, 0, 0, 0, 0}).payload("hello");
       }},
      {"TCP with longest IP options", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpAck).ip_options(test::Bytes(40, 1)).payload("x");
       }},
      {"TCP marked DSCP and ECN", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).tos(0xba | 3); }},
      {"TCP at the MTU", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).df().payload_of(1440); }},
      {"UDP", true, [](PacketBuilder& packet) { packet.udp().payload("hello, world"); }},
      {"UDP of odd length", true, [](PacketBuilder& packet) { packet.udp().payload_of(17); }},
      {"empty UDP", true, [](PacketBuilder& packet) { packet.udp(); }},
      {"UDP without checksum", true,
       [](PacketBuilder& packet) { packet.udp().payload("hello").no_udp_checksum(); }},
      {"UDP with IP options", true,
       [](PacketBuilder& packet) {
         packet.udp().ip_options({148, 4, 0, 0}).payload_of(64);
       }},
  };
}

}  // namespace shunt::dataplane
