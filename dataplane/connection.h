// One tracked connection: 64 bytes, one cache line. Owner: the worker in whose table it lies; nobody else reads it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/types.h"
#include "src/base/address.h"
#include "src/base/byte_order.h"

namespace shunt::dataplane {

// A packet's protocol, addresses and ports as seen in that packet: names one direction of a connection.
struct FlowKey {
  Be32 source;
  Be32 destination;
  Be16 source_port;
  Be16 destination_port;
  uint8_t protocol = 0;  // IANA number
  bool operator==(const FlowKey& other) const noexcept { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(FlowKey) == 13);

// An IPv6 flow where it lies in a packet: the key of a lookup need not be copied together.
struct FlowView6 {
  const uint8_t* addresses;     // source, then destination, as in the header
  uint64_t ports_and_protocol;  // as in FlowKey6's last five bytes, then zeros
};

// The IPv6 form; its table is apart so that IPv4 stays dense. One side of it may be IPv4's, mapped (nat64/crossing.h).
struct FlowKey6 {
  std::array<uint8_t, 16> source{};
  std::array<uint8_t, 16> destination{};
  Be16 source_port;
  Be16 destination_port;
  uint8_t protocol = 0;
  bool operator==(const FlowKey6& other) const noexcept { return std::memcmp(this, &other, sizeof *this) == 0; }

  static FlowKey6 from(const FlowView6& view) noexcept {
    FlowKey6 key;
    std::memcpy(static_cast<void*>(&key), view.addresses, 32);
    std::memcpy(static_cast<void*>(&key.source_port), &view.ports_and_protocol, 4);
    key.protocol = static_cast<uint8_t>(view.ports_and_protocol >> 32);
    return key;
  }
};
static_assert(sizeof(FlowKey6) == 37 && offsetof(FlowKey6, source_port) == 32);

// An IPv4 flow as IPv6 has it, and that one's; the latter REQUIRES mapped addresses.
inline FlowKey6 mapped(const FlowKey& key) noexcept {
  return {shunt::mapped(key.source), shunt::mapped(key.destination), key.source_port, key.destination_port, key.protocol};
}
inline FlowKey unmapped(const FlowKey6& key) noexcept {
  return {shunt::unmapped(key.source), shunt::unmapped(key.destination), key.source_port, key.destination_port, key.protocol};
}

// Either, for what is not done for every packet: schedulers, reports. Mapped addresses are IPv4's.
struct IpFlow {
  IpAddress source;
  IpAddress destination;
  Be16 source_port;
  Be16 destination_port;
  uint8_t protocol = 0;
  bool operator==(const IpFlow&) const noexcept = default;

  static IpFlow from(const FlowKey& key) noexcept {
    return {IpAddress::from_v4(key.source), IpAddress::from_v4(key.destination), key.source_port, key.destination_port,
            key.protocol};
  }
  static IpFlow from(const FlowKey6& key) noexcept {
    return {IpAddress::from_mapped(key.source), IpAddress::from_mapped(key.destination), key.source_port,
            key.destination_port, key.protocol};
  }
};

enum class Direction : uint8_t {
  kRequest = 0,  // client to real
  kReply = 1,    // real to client, seen under nat and fullnat only
};

// Milliseconds of the worker's clock, wrapping; compare by difference only.
using Tick = uint32_t;
constexpr bool is_past(Tick when, Tick now) noexcept { return static_cast<int32_t>(now - when) >= 0; }

// Where the requests of a connection of snat go, whose real has no address: as client_hop below.
struct FarHop {
  NextHopId hop;
  uint16_t generation;
};

// Each half begins with the key of a direction, so that what the table refers to is where the comparison begins; what
// every packet reads and writes beside lies in the first half.
struct alignas(64) Connection {
  FlowKey request;  // client -> VIP
  ConnectionState state;
  Method method;
  uint8_t flags;  // kConnection... below
  Tick expires;
  RealId real;
  uint32_t in_packets;
  uint32_t out_packets;

  // real -> client (nat), real -> local address (fullnat), destination -> pool's address (snat); under direct and tunnel
  // as nat, unindexed
  FlowKey reply;
  // How the real is told who the client is, or that it is a control connection of FTP (client_address/carrying.h); 0: neither.
  uint8_t carried;
  // What a request's rewrite adds to the TCP/UDP checksum (RFC 1624); a reply's is the complement. With
  // kConnectionOpening: how far that is.
  uint16_t l4_delta;
  // What the rewrite adds to the IPv4 header's checksum, the TTL's step with it. With kConnectionOpening: noted_in().
  uint16_t request_ip_delta;
  uint16_t reply_ip_delta;
  // Where replies go, cached: valid while route_generation is the snapshot's.
  NextHopId client_hop;
  uint16_t route_generation;
  union {
    TemplateId control{};  // the template that it counts on; with kConnectionControlled
    FarHop far_hop;        // under snat
  };
  Tick created;
};
static_assert(sizeof(Connection) == 64 && offsetof(Connection, reply) == 32);

// The same for IPv6, a cache line for each half: requests under direct and tunnel need the first alone.
struct alignas(64) Connection6 {
  FlowKey6 request;
  ConnectionState state;
  Method method;
  uint8_t flags;
  Tick expires;
  RealId real;
  uint32_t in_packets;
  uint32_t out_packets;
  uint16_t l4_delta;
  NextHopId client_hop;
  uint16_t route_generation;
  Be16 real_port;  // reply.source_port, for nat's requests

  alignas(64) FlowKey6 reply;
  uint8_t carried;
  union {
    TemplateId control{};
    FarHop far_hop;
  };
  Tick created;
  uint32_t noted;  // with kConnectionOpening
};
static_assert(sizeof(Connection6) == 128 && offsetof(Connection6, reply) == 64);

// The real's port of this connection, from the line that a request reads anyway.
inline Be16 real_port_of(const Connection& connection) noexcept { return connection.reply.source_port; }
inline Be16 real_port_of(const Connection6& connection) noexcept { return connection.real_port; }

// A number that lasts as long as kConnectionOpening does.
inline uint32_t noted_in(const Connection& connection) noexcept {
  return connection.request_ip_delta | uint32_t{connection.reply_ip_delta} << 16;
}
inline uint32_t noted_in(const Connection6& connection) noexcept { return connection.noted; }
inline void note_in(Connection& connection, uint32_t number) noexcept {
  connection.request_ip_delta = static_cast<uint16_t>(number);
  connection.reply_ip_delta = static_cast<uint16_t>(number >> 16);
}
inline void note_in(Connection6& connection, uint32_t number) noexcept { connection.noted = number; }

// A connection copied out of a worker's table, of either family.
struct ConnectionCopy {
  IpFlow request;  // client -> VIP
  IpFlow reply;    // real -> client, or real -> local address under fullnat and snat
  ConnectionState state = ConnectionState::kNone;
  Method method = Method::kNat;
  RealId real = kNoReal;
  ServiceId service = kNoService;
  uint32_t in_packets = 0;
  uint32_t out_packets = 0;
  uint32_t worker = 0;
  int32_t expires_in_ms = 0;
};

inline constexpr uint8_t kConnectionUsed = 1;
// Counts as active for the schedulers (IPVS: all states that do not set IP_VS_CONN_F_INACTIVE).
inline constexpr uint8_t kConnectionActive = 2;
// Replies are indexed: nat, fullnat and snat.
inline constexpr uint8_t kConnectionTwoWay = 4;
// It has its client's place (limits.h take_place) until it ends.
inline constexpr uint8_t kConnectionCounted = 8;
// Of a persistent service: a template lives at least as long as the connection (IPVS's cp->control).
inline constexpr uint8_t kConnectionControlled = 0x10;
// Replies pass us by (IPVS's NOOUTPUT): the INPUT-ONLY transitions apply. The bit is the number of their first row
// (tcp_state.h).
inline constexpr uint8_t kConnectionNoOutput = 0x20;
// Its real is not known to have heard yet who the client is, or it is a control connection of FTP; what rewrites add is not
// kept meanwhile, but what tells how far it is (client_address/carrying.h).
inline constexpr uint8_t kConnectionOpening = 0x40;
// What its real makes of it is counted (outcome.h), as long as that is not known.
inline constexpr uint8_t kConnectionWatched = 0x80;

}  // namespace shunt::dataplane
