// One tracked connection: 64 bytes, one cache line. Owner: the worker in whose table it lies; nobody else reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/types.h"
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

// The IPv6 form; its table is apart so that IPv4 stays dense.
struct FlowKey6 {
  uint8_t source[16];
  uint8_t destination[16];
  Be16 source_port;
  Be16 destination_port;
  uint8_t protocol = 0;
  bool operator==(const FlowKey6& other) const noexcept { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(FlowKey6) == 37);

enum class Direction : uint8_t {
  kRequest = 0,  // client to real
  kReply = 1,    // real to client, seen under nat and fullnat only
};

// Milliseconds of the worker's clock, wrapping; compare by difference only.
using Tick = uint32_t;
constexpr bool is_past(Tick when, Tick now) noexcept { return static_cast<int32_t>(now - when) >= 0; }

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

  FlowKey reply;  // real -> client (nat), real -> local address (fullnat); under direct and tunnel as nat, unindexed
  uint8_t spare;
  // What a request's rewrite adds to the TCP/UDP checksum (RFC 1624); a reply's is the complement.
  uint16_t l4_delta;
  // What the rewrite adds to the IPv4 header's checksum, the TTL's step with it.
  uint16_t request_ip_delta;
  uint16_t reply_ip_delta;
  // Where replies go, cached: valid while route_generation is the snapshot's.
  NextHopId client_hop;
  uint16_t route_generation;
  ServiceId service;
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

  alignas(64) FlowKey6 reply;
  ServiceId service;
  Tick created;
};
static_assert(sizeof(Connection6) == 128 && offsetof(Connection6, reply) == 64);

inline constexpr uint8_t kConnectionUsed = 1;
// Counts as active for the schedulers (IPVS: all states that do not set IP_VS_CONN_F_INACTIVE).
inline constexpr uint8_t kConnectionActive = 2;
// Replies are indexed: nat and fullnat.
inline constexpr uint8_t kConnectionTwoWay = 4;
// Replies pass us by (IPVS's NOOUTPUT): the INPUT-ONLY transitions apply. The bit is the number of their first row
// (tcp_state.h).
inline constexpr uint8_t kConnectionNoOutput = 0x20;

}  // namespace shunt::dataplane
