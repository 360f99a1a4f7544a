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

inline std::vector<Variant> common_variants() {
  using test::PacketBuilder;
  return {
      {"SYN with options", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpSyn).tcp_options({2, 4, 5, 180, 1, 1, 4, 2}).df(); }},
      {"TCP data of odd length", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck | kTcpPsh, 77, 99).payload_of(333).id(4711); }},
      {"TCP data of even length", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck, 0xffffffff, 0x80000000).payload_of(512); }},
      {"TCP marked DSCP and ECN", false, [](PacketBuilder& packet) { packet.tcp(kTcpAck).tos(0xba | 3); }},
      {"TCP at the MTU", false, [](PacketBuilder& packet) { packet.tcp(kTcpAck).df().payload_of(1440); }},
      {"UDP", true, [](PacketBuilder& packet) { packet.udp().payload("hello, world"); }},
      {"UDP of odd length", true, [](PacketBuilder& packet) { packet.udp().payload_of(17); }},
      {"empty UDP", true, [](PacketBuilder& packet) { packet.udp(); }},
      {"UDP without checksum", true,
       [](PacketBuilder& packet) { packet.udp().payload("hello").no_udp_checksum(); }},
  };
}

inline std::vector<Variant> ipv4_variants() {
  using test::PacketBuilder;
  return {
      {"TCP with IP options", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).ip_options({7, 7, 4, 0, 0, 0, 0}).payload("hello"); }},
      {"TCP with longest IP options", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).ip_options(test::Bytes(40, 1)).payload("x"); }},
      {"UDP with IP options", true,
       [](PacketBuilder& packet) { packet.udp().ip_options({148, 4, 0, 0}).payload_of(64); }},
  };
}

inline std::vector<Variant> ipv6_variants() {
  using test::PacketBuilder;
  return {
      {"TCP with a flow label", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).tos(0xba | 1).flow_label(0xabcde).payload("hello"); }},
      {"TCP behind hop-by-hop options", false,
       [](PacketBuilder& packet) { packet.tcp(kTcpAck).extension(kIpv6HopByHop, {5, 2, 0, 0}).payload("hello"); }},
      {"TCP behind a routing header that is done", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpAck).extension(kIpv6Routing, {4, 0, 0, 0, 0, 0}).payload_of(99);
       }},
      {"TCP behind every kind of extension header", false,
       [](PacketBuilder& packet) {
         packet.tcp(kTcpAck | kTcpPsh, 5, 6)
             .extension(kIpv6HopByHop)
             .extension(kIpv6DestinationOptions, test::Bytes(30, 0))
             .extension(kIpv6Routing, {4, 0})
             .extension(kIpv6DestinationOptions)
             .flow_label(1)
             .payload_of(7);
       }},
      {"UDP behind destination options", true,
       [](PacketBuilder& packet) {
         packet.udp().extension(kIpv6DestinationOptions, test::Bytes(14, 0)).payload_of(65);
       }},
      {"UDP without checksum behind hop-by-hop options", true,
       [](PacketBuilder& packet) { packet.udp().extension(kIpv6HopByHop).payload("hello").no_udp_checksum(); }},
  };
}

inline std::vector<Variant> variants(AddressFamily family) {
  std::vector<Variant> all = common_variants();
  const std::vector<Variant> own = family == AddressFamily::kIpv4 ? ipv4_variants() : ipv6_variants();
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

}  // namespace shunt::dataplane
