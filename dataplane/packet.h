// A packet on its way through the stages: what parsing found, what later stages decided. Lives for one burst.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/types.h"
#include "dataplane/verdict.h"

namespace shunt::dataplane {

inline constexpr uint32_t kBurst = 32;

struct Packet {
  rte_mbuf* mbuf;
  Ipv4Header* ip;  // set by parse() for packets that go on
  union {
    uint8_t* l4;
    TcpHeader* tcp;
    UdpHeader* udp;
  };
  uint64_t hash;
  Connection* connection;
  FlowKey key;
  uint32_t reference;  // what the table's prefetch_entry() gave
  uint16_t ip_bytes;   // IPv4 total length
  uint8_t protocol;
  uint8_t tcp_flags;  // 0 for UDP
  Direction direction;
  Verdict verdict;
  DropReason reason;  // under kDrop
  uint8_t owner;      // under kHandOff: the worker
  uint16_t in_port;
  uint16_t out_port;    // under kForward
  NextHopId next_hop;   // under kForward
  bool handed_off;      // came from another worker: must end here
  RealId real;          // the connection's, or one chosen without a connection

  void drop(DropReason why) noexcept {
    verdict = Verdict::kDrop;
    reason = why;
  }
  bool undecided() const noexcept { return verdict == Verdict::kUndecided; }
};

// Packets that came together. `count` is at most kBurst.
struct Burst {
  std::array<Packet, kBurst> packets;
  uint32_t count = 0;

  std::span<Packet> all() noexcept { return {packets.data(), count}; }
};

}  // namespace shunt::dataplane
