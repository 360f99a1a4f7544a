// One tracked connection: 64 bytes, one cache line. Owner: the worker in whose table it lies; nobody else reads it.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/types.h"
#include "src/base/byte_order.h"

namespace shunt::dataplane {

// A packet's addresses and ports as seen in that packet. With the protocol it names one direction of a connection.
struct FlowKey {
  Be32 source;
  Be32 destination;
  Be16 source_port;
  Be16 destination_port;
  // Two words instead of four fields: this is compared for every packet.
  bool operator==(const FlowKey& other) const noexcept {
    return words().first == other.words().first && words().second == other.words().second;
  }

 private:
  struct Words {
    uint64_t first;
    uint32_t second;
  };
  Words words() const noexcept {
    Words words;
    std::memcpy(&words.first, &source, 8);
    std::memcpy(&words.second, &source_port, 4);
    return words;
  }
};
static_assert(sizeof(FlowKey) == 12);

// The IPv6 form; its table is apart so that IPv4 stays dense.
struct FlowKey6 {
  uint8_t source[16];
  uint8_t destination[16];
  Be16 source_port;
  Be16 destination_port;
  bool operator==(const FlowKey6& other) const noexcept { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(FlowKey6) == 36);

enum class Direction : uint8_t {
  kRequest,  // client to real
  kReply,    // real to client, seen under nat and fullnat only
};

// Milliseconds of the worker's clock, wrapping; compare by difference only.
using Tick = uint32_t;
constexpr bool is_past(Tick when, Tick now) noexcept { return static_cast<int32_t>(now - when) >= 0; }

struct alignas(64) Connection {
  FlowKey request;  // client -> VIP
  FlowKey reply;    // real -> client (nat), real -> local address (fullnat); under direct and tunnel as nat, unindexed
  Tick expires;
  RealId real;
  uint8_t protocol;
  ConnectionState state;
  Method method;
  uint8_t flags;  // kConnection... below
  // What a request's rewrite adds to the IPv4 header's and the TCP/UDP checksum (RFC 1624); a reply's is the complement.
  uint16_t ip_delta;
  uint16_t l4_delta;
  // Where replies go, cached: valid while route_generation is the snapshot's.
  NextHopId client_hop;
  uint16_t route_generation;
  ServiceId service;
  uint32_t in_packets;
  uint32_t out_packets;
  uint16_t timeouts;  // index of the service's timeout set in the snapshot
  uint16_t spare;
  Tick created;
};
static_assert(sizeof(Connection) == 64);

// The same for IPv6, two cache lines: what every packet touches beside the keys lies in the second.
struct alignas(64) Connection6 {
  FlowKey6 request;
  FlowKey6 reply;
  Tick expires;
  RealId real;
  uint8_t protocol;
  ConnectionState state;
  Method method;
  uint8_t flags;
  uint16_t l4_delta;
  NextHopId client_hop;
  uint16_t route_generation;
  uint16_t timeouts;
  ServiceId service;
  uint32_t in_packets;
  uint32_t out_packets;
  Tick created;
};
static_assert(sizeof(Connection6) == 128);

inline constexpr uint8_t kConnectionUsed = 1;
// Counts as active for the schedulers (IPVS: all states that do not set IP_VS_CONN_F_INACTIVE).
inline constexpr uint8_t kConnectionActive = 2;
// Replies are indexed: nat and fullnat.
inline constexpr uint8_t kConnectionTwoWay = 4;
// Only the client's direction was seen so far (IPVS's NOOUTPUT): the INPUT-ONLY transitions apply.
inline constexpr uint8_t kConnectionNoOutput = 8;

}  // namespace shunt::dataplane
