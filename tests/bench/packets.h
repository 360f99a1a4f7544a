// The benchmarks' source: a burst of 64-byte UDP-in-IPv4 frames of connections in random order, written into buffers
// that circulate, so that no mempool and no driver is in the figures.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "dataplane/checksum.h"
#include "dataplane/connection.h"
#include "dataplane/headers.h"

namespace shunt::bench {

inline constexpr uint32_t kBurstSize = 32;
inline constexpr uint32_t kFrameBytes = 60;  // 64 with the frame check sequence

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
  Buffers() {
    for (Buffer& buffer : buffers_) {
      std::memset(&buffer, 0, sizeof buffer);
      buffer.mbuf.buf_addr = buffer.data;
      buffer.mbuf.buf_len = sizeof buffer.data;
      buffer.mbuf.nb_segs = 1;
      buffer.mbuf.refcnt = 1;
    }
  }

  // A fresh TCP frame (ACK, no data) with this key.
  rte_mbuf* fill(uint32_t index, const dataplane::FlowKey& key, const MacAddress& to) {
    using namespace dataplane;
    Buffer& buffer = buffers_[index];
    rte_mbuf& mbuf = buffer.mbuf;
    mbuf.data_off = RTE_PKTMBUF_HEADROOM;
    mbuf.data_len = kFrameBytes;
    mbuf.pkt_len = kFrameBytes;
    mbuf.ol_flags = 0;
    mbuf.port = 0;
    mbuf.next = nullptr;
    auto* frame = reinterpret_cast<EthernetHeader*>(buffer.data + RTE_PKTMBUF_HEADROOM);
    *frame = {to, {{2, 0, 0, 0, 0, 9}}, kEtherTypeIpv4};
    auto* ip = reinterpret_cast<Ipv4Header*>(frame + 1);
    *ip = {0x45, 0, Be16::from_host(40), {}, kIpDontFragment, 64, kIpProtocolTcp, {}, key.source, key.destination};
    ip->checksum = checksum_of(ip, sizeof *ip);
    auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
    *tcp = {key.source_port, key.destination_port, {}, {}, 0x50, kTcpAck, {}, {}, {}};
    const uint64_t pseudo = sum_of(&ip->source, 8) + Be16::from_host(kIpProtocolTcp).raw + Be16::from_host(20).raw;
    tcp->checksum = checksum_of(tcp, sizeof *tcp, pseudo);
    return &mbuf;
  }

 private:
  struct alignas(64) Buffer {
    rte_mbuf mbuf;
    uint8_t data[256];
  };
  std::array<Buffer, kBurstSize> buffers_;
};

}  // namespace shunt::bench
