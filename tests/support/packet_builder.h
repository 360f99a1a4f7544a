// Test packets that read as a sentence:
//   a_packet().from("198.51.100.7", 40000).to("203.0.113.10",
//   80).tcp(kTcpSyn).ttl(64).payload("hello").df().build(pool)
// IPv4 or IPv6, as the addresses are. Lengths and checksums are right unless a later word breaks
// them. Built from the description alone, without the packet path's code. Any thread.
#pragma once

#include <rte_mbuf.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/address.h"
#include "tests/support/checksums.h"

namespace shunt::test {

// "198.51.100.7" or "2001:db8::7"; ends the process when malformed.
IpAddress ip(std::string_view text);
// "198.51.100.7" as it lies in packets; ends the process when malformed.
Be32 v4(std::string_view text);
// 02:00:00:00:00:`last`.
constexpr MacAddress mac(uint8_t last) { return {{2, 0, 0, 0, 0, last}}; }

class PacketBuilder {
 public:
  PacketBuilder& from(std::string_view address, uint16_t port = 0);
  PacketBuilder& to(std::string_view address, uint16_t port = 0);
  PacketBuilder& from_mac(MacAddress address);
  PacketBuilder& to_mac(MacAddress address);

  PacketBuilder& tcp(uint8_t flags, uint32_t sequence = 1, uint32_t acknowledgement = 0);
  PacketBuilder& udp();
  // One chunk of `type`; more follow by chunk().
  PacketBuilder& sctp(uint8_t type, Bytes value = {});
  // One more SCTP chunk, behind the padding of the one before.
  PacketBuilder& chunk(uint8_t type, Bytes value = {});
  // `rest` is the header's second word.
  PacketBuilder& icmp(uint8_t type, uint8_t code, uint32_t rest = 0);
  // Any other protocol: the payload follows the IP header.
  PacketBuilder& protocol(uint8_t number);
  // Wraps `inner` (its Ethernet header left out), whose family decides the protocol's number.
  PacketBuilder& ipip(const PacketBuilder& inner);
  // The same behind a GRE header, with or without its checksum.
  PacketBuilder& gre(const PacketBuilder& inner, bool has_checksum);
  // The same behind a GUE header, as UDP's payload.
  PacketBuilder& gue(const PacketBuilder& inner);

  // IPv6: the hop limit and the traffic class.
  PacketBuilder& ttl(uint8_t hops);
  PacketBuilder& tos(uint8_t value);
  PacketBuilder& flow_label(uint32_t value);
  // One more IPv6 extension header of kind `number`: two bytes of ours and then `rest`, padded to
  // whole units of eight.
  PacketBuilder& extension(uint8_t number, Bytes rest = {});
  PacketBuilder& id(uint16_t value);
  PacketBuilder& df();
  // `offset` in bytes, a multiple of 8.
  PacketBuilder& fragment(uint16_t offset, bool more);
  // Padded with end-of-list bytes to whole words.
  PacketBuilder& ip_options(Bytes options);
  PacketBuilder& tcp_options(Bytes options);
  PacketBuilder& payload(std::string_view text);
  PacketBuilder& payload(Bytes bytes);
  // Counting bytes.
  PacketBuilder& payload_of(size_t bytes);
  PacketBuilder& no_udp_checksum();
  // Ethernet padding up to a frame of `bytes`.
  PacketBuilder& padded_to(size_t bytes);
  // Changes the finished frame, checksums included: what a broken or hostile sender does.
  PacketBuilder& then(std::function<void(Bytes&)> spoil);

  bool is_v6() const { return !source_.is_v4(); }
  // From the Ethernet header on.
  Bytes bytes() const;
  // From the IP header on.
  Bytes ip_bytes() const;
  // In an mbuf of `pool` that came in on `port`; ends the process when there is none.
  rte_mbuf* build(rte_mempool* pool, uint16_t port = 0) const;

 private:
  enum class Kind { kTcp, kUdp, kSctp, kIcmp, kOther };

  // Next to the IP header, or its last extension header.
  uint8_t l4_protocol() const;
  Bytes l4_bytes() const;
  Bytes ipv4_bytes() const;
  Bytes ipv6_bytes() const;
  void finish_l4_checksum(Bytes& l4) const;

  MacAddress source_mac_ = mac(0x01);
  MacAddress destination_mac_ = mac(0x10);
  IpAddress source_;
  IpAddress destination_;
  uint16_t source_port_ = 0;
  uint16_t destination_port_ = 0;
  Kind kind_ = Kind::kTcp;
  uint8_t protocol_ = 6;
  uint8_t tcp_flags_ = 0x10;
  uint32_t sequence_ = 1;
  uint32_t acknowledgement_ = 0;
  uint8_t icmp_type_ = 0;
  uint8_t icmp_code_ = 0;
  uint32_t icmp_rest_ = 0;
  uint8_t ttl_ = 64;
  uint8_t tos_ = 0;
  uint16_t id_ = 0;
  uint16_t fragment_ = 0;
  bool has_udp_checksum_ = true;
  size_t padded_to_ = 0;
  uint32_t flow_label_ = 0;
  struct Extension {
    uint8_t number;
    Bytes rest;
  };
  std::vector<Extension> extensions_;
  Bytes ip_options_;
  Bytes tcp_options_;
  Bytes chunks_;
  Bytes payload_;
  std::function<void(Bytes&)> spoil_;
};

inline PacketBuilder a_packet() { return {}; }

// An mbuf of `pool` with these bytes, come in on `port`.
rte_mbuf* mbuf_of(const Bytes& frame, rte_mempool* pool, uint16_t port = 0);
// All of an mbuf's segments.
Bytes bytes_of(const rte_mbuf* mbuf);

}  // namespace shunt::test
