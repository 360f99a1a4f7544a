// The benchmarks' source: 64-byte TCP-in-IPv4 frames written into buffers that circulate, so that no mempool is in
// the figures, and a generator for connections in random order.
#pragma once

#include <immintrin.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "tests/bench/huge_memory.h"

namespace shunt::bench {

inline constexpr uint32_t kBurstSize = 32;
inline constexpr uint32_t kFrameBytes = 60;  // 64 with the frame check sequence
inline constexpr uint8_t kTtlAtArrival = 64;

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

  // A fresh TCP frame without data, with this key.
  rte_mbuf* fill(uint32_t index, const dataplane::FlowKey& key, const MacAddress& to, uint8_t tcp_flags) {
    using namespace dataplane;
    Buffer& buffer = buffers_[index];
    rte_mbuf& mbuf = buffer.mbuf;
    mbuf.data_off = RTE_PKTMBUF_HEADROOM;
    // Two owners: the worker that drops it frees its share alone, and no mempool is asked.
    mbuf.refcnt = 2;
    mbuf.data_len = kFrameBytes;
    mbuf.pkt_len = kFrameBytes;
    mbuf.ol_flags = 0;
    mbuf.port = 0;
    mbuf.next = nullptr;
    auto* frame = reinterpret_cast<EthernetHeader*>(buffer.data + RTE_PKTMBUF_HEADROOM);
    *frame = {to, {{2, 0, 0, 0, 0, 9}}, kEtherTypeIpv4};
    auto* ip = reinterpret_cast<Ipv4Header*>(frame + 1);
    *ip = {0x45, 0, Be16::from_host(40), {}, kIpDontFragment, kTtlAtArrival, kIpProtocolTcp, {}, key.source,
           key.destination};
    ip->checksum = checksum_of(ip, sizeof *ip);
    auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
    *tcp = {key.source_port, key.destination_port, {}, {}, 0x50, tcp_flags, {}, {}, {}};
    const uint64_t pseudo = sum_of(&ip->source, 8) + Be16::from_host(kIpProtocolTcp).raw + Be16::from_host(20).raw;
    tcp->checksum = checksum_of(tcp, sizeof *tcp, pseudo);
    return &mbuf;
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
  HugeMemory memory_;
  Buffer* buffers_;
};

}  // namespace shunt::bench
