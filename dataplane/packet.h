// A packet on its way through the stages: what parsing found, what later stages decided. Lives for one burst.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/connection_table.h"
#include "dataplane/headers.h"
#include "dataplane/types.h"
#include "dataplane/verdict.h"

namespace shunt::dataplane {

inline constexpr uint32_t kBurst = 64;
// Of packets that open connections, or have nothing to wait for: burst_size() of find.h.
inline constexpr uint32_t kSmallBurst = kBurst / 2;

struct alignas(64) Packet {
  // Set before the journey.
  rte_mbuf* mbuf;
  uint16_t in_port;
  bool handed_off;  // came from another worker: must end here

  // What became of it; kUndecided while it is on its way.
  Verdict verdict;
  DropReason reason;  // under kDrop
  uint8_t owner;      // under kHandOff: the worker
  // A fragment's, in the worker's table.
  struct {
    uint16_t index;
    bool is_first;
    uint32_t serial;
  } datagram;

  // Set by parse() for packets that go on.
  uint8_t tcp_flags;  // 0 for UDP; flags_of() SCTP's event (sctp_state.h)
  uint16_t ip_bytes;  // the IP packet's length, its header included
  union {
    uint32_t sctp_bytes;   // SCTP: bytes that its checksum covers, a fragment's: in the whole datagram
    uint32_t echo_offset;  // an ICMP echo: where its header is, from `ip` on
  };
  alignas(16) FlowKey key;  // IPv4
  uint8_t key_end[3];       // zeros: the key is written and read as one block
  uint64_t ports_and_protocol;  // IPv6, whose addresses are looked up where they lie (FlowView6)
  union {
    Ipv4Header* ip;
    Ipv6Header* ip6;
  };
  union {
    uint8_t* l4;
    TcpHeader* tcp;
    UdpHeader* udp;
  };

  // Set by the walks that fetch.
  uint64_t hash;
  union {
    const ConnectionTable::Bucket* bucket;
    const ConnectionTable6::Bucket* bucket6;
  };
  ConnectionTable::Reference reference;  // into the table of its family
  ConnectionTable::Reference other;      // IPv6: the connection's other line, if the packet needs it

  // The ports of a packet that has none, IPsec's or an ICMP echo: `udp` points here.
  UdpHeader stand_in;
  bool has_no_ports() const noexcept { return udp == &stand_in; }
  // REQUIRES an echo, not a later fragment of one.
  uint8_t* echo() const noexcept { return reinterpret_cast<uint8_t*>(ip) + echo_offset; }

  void drop(DropReason why) noexcept {
    verdict = Verdict::kDrop;
    reason = why;
  }
  bool undecided() const noexcept { return verdict <= Verdict::kUndecidedIpv6; }
  __m128i key_block() const noexcept { return _mm_load_si128(reinterpret_cast<const __m128i*>(&key)); }
  void set_key(__m128i block) noexcept { _mm_store_si128(reinterpret_cast<__m128i*>(&key), block); }
};

// Packets that came together. `count` is at most kBurst.
struct Burst {
  std::array<Packet, kBurst> packets;
  uint32_t count = 0;
  // The journey's: so many have had their connections fetched; of so many that is out of date, or they are through.
  uint32_t fetched = 0;
  uint32_t stale = 0;

  std::span<Packet> all() noexcept { return {packets.data(), count}; }
};

}  // namespace shunt::dataplane
