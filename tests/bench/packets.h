// The benchmarks' source: TCP frames, the smallest of either family, written into buffers that circulate, so that no
// mempool is in the figures, and a generator for connections in random order.
#pragma once

#include <immintrin.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/packet.h"
#include "tests/bench/huge_memory.h"

namespace shunt::bench {

inline constexpr uint32_t kBurstSize = dataplane::kBurst;
inline constexpr uint8_t kHopsAtArrival = 64;  // TTL and hop limit
inline constexpr Be32 kIpv6Version = Be32::from_host(0x60000000);

// Of a frame without data, without the frame check sequence: Ethernet fills up IPv4's, and IPv6's headers are longer.
constexpr uint32_t frame_bytes(AddressFamily family) { return family == AddressFamily::kIpv4 ? 60 : 74; }

// The sum of the pseudo-header of a TCP segment without data: RFC 9293 section 3.1, RFC 8200 section 8.1.
template <typename Header>
uint64_t pseudo_header_of(const Header& ip) {
  return dataplane::sum_of(&ip.source, 2 * sizeof ip.source) + Be16::from_host(dataplane::kIpProtocolTcp).raw +
         Be16::from_host(sizeof(dataplane::TcpHeader)).raw;
}

// The time stamp counter when all instructions before have ended and none after has begun; without it, the end of making
// the packets would be counted as the beginning of their way.
inline uint64_t exact_cycles() {
  _mm_lfence();
  const uint64_t cycles = __rdtsc();
  _mm_lfence();
  return cycles;
}

// A small generator (xorshift64*), so that the order costs next to nothing.
class Random {
 public:
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dull;
  }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15ull;
};

class Buffers {
 public:
  explicit Buffers(uint32_t count) : memory_(count * sizeof(Buffer)), buffers_(static_cast<Buffer*>(memory_.get())) {
    for (uint32_t i = 0; i < count; ++i) {
      Buffer& buffer = *new (&buffers_[i]) Buffer{};
      buffer.mbuf.buf_addr = buffer.data;
      buffer.mbuf.buf_len = sizeof buffer.data;
      buffer.mbuf.nb_segs = 1;
    }
  }

  // A fresh TCP frame without data, of this flow.
  rte_mbuf* fill(uint32_t index, const dataplane::IpFlow& flow, const MacAddress& to, uint8_t tcp_flags) {
    using namespace dataplane;
    if (flow.source.is_v4()) {
      return fill(index, FlowKey{flow.source.v4(), flow.destination.v4(), flow.source_port, flow.destination_port,
                                 flow.protocol}, to, tcp_flags);
    }
    auto* ip = begin<Ipv6Header>(index, AddressFamily::kIpv6, to);
    *ip = {kIpv6Version, Be16::from_host(sizeof(TcpHeader)), kIpProtocolTcp, kHopsAtArrival, flow.source.bytes,
           flow.destination.bytes};
    return end(index, ip, flow.source_port, flow.destination_port, tcp_flags);
  }
  rte_mbuf* fill(uint32_t index, const dataplane::FlowKey& key, const MacAddress& to, uint8_t tcp_flags) {
    using namespace dataplane;
    auto* ip = begin<Ipv4Header>(index, AddressFamily::kIpv4, to);
    *ip = {0x45, 0, Be16::from_host(40), {}, kIpDontFragment, kHopsAtArrival, kIpProtocolTcp, {}, key.source,
           key.destination};
    ip->checksum = checksum_of(ip, sizeof *ip);
    return end(index, ip, key.source_port, key.destination_port, tcp_flags);
  }

  // Which one it is. REQUIRES: it is of these.
  uint32_t index_of(const rte_mbuf* mbuf) const {
    return static_cast<uint32_t>(reinterpret_cast<const Buffer*>(mbuf) - buffers_);
  }

 private:
  struct alignas(64) Buffer {
    rte_mbuf mbuf;
    uint8_t data[256];
  };

  // The buffer as a driver leaves it, and the frame's header; where the IP header goes.
  template <typename Header>
  Header* begin(uint32_t index, AddressFamily family, const MacAddress& to) {
    using namespace dataplane;
    Buffer& buffer = buffers_[index];
    rte_mbuf& mbuf = buffer.mbuf;
    mbuf.data_off = RTE_PKTMBUF_HEADROOM;
    // Two owners: the worker that drops it frees its share alone, and no mempool is asked.
    mbuf.refcnt = 2;
    mbuf.data_len = static_cast<uint16_t>(frame_bytes(family));
    mbuf.pkt_len = frame_bytes(family);
    mbuf.ol_flags = 0;
    mbuf.port = 0;
    mbuf.next = nullptr;
    auto* frame = reinterpret_cast<EthernetHeader*>(buffer.data + RTE_PKTMBUF_HEADROOM);
    *frame = {to, {{2, 0, 0, 0, 0, 9}}, family == AddressFamily::kIpv4 ? kEtherTypeIpv4 : kEtherTypeIpv6};
    return reinterpret_cast<Header*>(frame + 1);
  }

  template <typename Header>
  rte_mbuf* end(uint32_t index, Header* ip, Be16 source_port, Be16 destination_port, uint8_t tcp_flags) {
    using namespace dataplane;
    auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
    *tcp = {source_port, destination_port, {}, {}, 0x50, tcp_flags, {}, {}, {}};
    tcp->checksum = checksum_of(tcp, sizeof *tcp, pseudo_header_of(*ip));
    return &buffers_[index].mbuf;
  }

  HugeMemory memory_;
  Buffer* buffers_;
};

}  // namespace shunt::bench
