// The floor: what a packet costs at least on this machine when a table of that many connections has to be asked.
// A bare loop over the burst, in three walks as any design that hides memory's latency needs them:
//
//   parse    is it a whole IPv4 packet of TCP or UDP, without options? Ether type, version and header length, total
//            length within the frame, fragment bits, protocol. What is not is left out, so the branches are real;
//   hash     the same keyed hash as the packet path's: a weaker one would be no floor for a table that faces attackers;
//   lines    the bucket's line is prefetched, read in the next walk, the connection's line that it names is prefetched
//            and written to in the third (a counter): two dependent lines, of a table of the same size;
//   frame    both MAC addresses are written.
//
// Not in it, and in every load balancer: comparing the key that was found, TCP states and timeouts, a real's counters,
// TTL and checksums, forwarding methods, next hops, verdicts.
#pragma once

#include <rte_cycles.h>

#include <cstdint>
#include <cstring>

#include "dataplane/connection_table.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/packets.h"

namespace shunt::bench {

// More at a time make it no faster.
inline constexpr uint32_t kFloorBurst = 32;

class Floor {
 public:
  // `capacity`: of the table that it is compared with, whose index is of that size whatever is in it.
  Floor(uint32_t connections, uint32_t capacity)
      : connections_(connections),
        bucket_lines_(dataplane::ConnectionTable::buckets_for(capacity)),
        memory_((size_t{bucket_lines_} + connections) * 64) {
    buckets_ = static_cast<Line*>(memory_.get());
    entries_ = buckets_ + bucket_lines_;
    for (uint32_t i = 0; i < connections; ++i) {
      const dataplane::FlowKey key = key_of(i);
      const uint64_t hashed = hash(key);
      buckets_[bucket_of(hashed)].words[word_of(hashed)] = i;
      entries_[i].words[1] = key.source.raw;
    }
  }

  // TSC cycles that `packets` packets take.
  uint64_t run(uint32_t packets) {
    uint64_t cycles = 0;
    for (uint32_t done = 0; done < packets; done += kFloorBurst) {
      rte_mbuf* burst[kFloorBurst];
      for (uint32_t i = 0; i < kFloorBurst; ++i) {
        burst[i] = buffers_.fill(i, key_of(random_.below(connections_)), mac_, dataplane::kTcpAck);
      }
      const uint64_t start = exact_cycles();
      process(burst);
      cycles += exact_cycles() - start;
    }
    return cycles;
  }

 private:
  struct alignas(64) Line {
    uint32_t words[16];
  };

  static dataplane::FlowKey key_of(uint32_t index) {
    return {Be32::from_host(0x0a000000 + index), Be32::from_host(0xcb00710a),
            Be16::from_host(static_cast<uint16_t>(1024 + (index & 0x7fff))), Be16::from_host(80),
            dataplane::kIpProtocolTcp};
  }
  uint64_t hash(const dataplane::FlowKey& key) const { return dataplane::flow_hash(hash_key_, key); }
  uint32_t bucket_of(uint64_t hash) const {
    return static_cast<uint32_t>((uint64_t{static_cast<uint32_t>(hash)} * bucket_lines_) >> 32);
  }

  // Which of a bucket's words names the connection: as good as every connection has one of its own, so that the loop
  // goes to all of the table.
  static uint32_t word_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 60); }

  // True: a packet that a table can be asked about, by the key that `key` is.
  static bool parse(const rte_mbuf* mbuf, __m128i& key) {
    using namespace dataplane;
    constexpr uint32_t kHeaders = sizeof(Ipv4Header) + sizeof(UdpHeader);
    const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
    const auto* ip = reinterpret_cast<const Ipv4Header*>(frame + 1);
    if (mbuf->data_len < sizeof *frame + kHeaders) return false;
    if (frame->type != kEtherTypeIpv4 || ip->version_ihl != 0x45) return false;
    const uint32_t total = ip->total_length.host();
    if (total < kHeaders || total > mbuf->data_len - sizeof *frame) return false;
    if ((ip->fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0) return false;
    const uint8_t protocol = ip->protocol;
    if (protocol != kIpProtocolTcp && protocol != kIpProtocolUdp) return false;
    uint64_t addresses;
    uint32_t ports;
    std::memcpy(&addresses, static_cast<const void*>(&ip->source), 8);
    std::memcpy(&ports, ip + 1, 4);
    key = block_of(addresses, ports, protocol);
    return true;
  }

  void process(rte_mbuf** burst) {
    using namespace dataplane;
    rte_mbuf* good[kFloorBurst];
    const uint32_t* place[kFloorBurst];
    Line* entry[kFloorBurst];
    uint32_t count = 0;
    for (uint32_t i = 0; i < kFloorBurst; ++i) {
      __m128i key;
      if (!parse(burst[i], key)) [[unlikely]] continue;
      good[count] = burst[i];
      const uint64_t hashed = flow_hash(hash_key_, key);
      place[count] = &buckets_[bucket_of(hashed)].words[word_of(hashed)];
      __builtin_prefetch(place[count]);
      ++count;
    }
    for (uint32_t i = 0; i < count; ++i) {
      entry[i] = &entries_[*place[i]];
      __builtin_prefetch(entry[i], 1);
    }
    for (uint32_t i = 0; i < count; ++i) {
      ++entry[i]->words[2];
      auto* frame = rte_pktmbuf_mtod(good[i], EthernetHeader*);
      frame->destination = target_;
      frame->source = mac_;
    }
  }

  uint32_t connections_;
  uint32_t bucket_lines_;
  HugeMemory memory_;
  Line* buckets_;
  Line* entries_;
  Buffers buffers_{kFloorBurst};
  Random random_;
  dataplane::HashKey hash_key_ = dataplane::HashKey::from_bytes({1, 2, 3, 4});
  MacAddress mac_{{2, 0, 0, 0, 0, 1}};
  MacAddress target_{{2, 0, 0, 0, 0, 2}};
};

}  // namespace shunt::bench
