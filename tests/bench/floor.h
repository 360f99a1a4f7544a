// The floor: what a packet costs at least on this machine when a table of that many connections has to be asked.
// Parse the header, hash the flow, read the bucket's line, read and write the connection's line it leads to, write
// the MAC addresses; both lines are prefetched over a burst. No states, no counters of reals, no checks, no methods.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "dataplane/flow_hash.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/packets.h"

namespace shunt::bench {

class Floor {
 public:
  explicit Floor(uint32_t connections)
      : connections_(connections),
        // The same bytes per connection as the real table: two fifths of a bucket line, one entry line.
        bucket_lines_(connections / 5 * 2 + 16),
        memory_((size_t{bucket_lines_} + connections) * 64) {
    buckets_ = static_cast<Line*>(memory_.get());
    entries_ = buckets_ + bucket_lines_;
    for (uint32_t i = 0; i < connections; ++i) {
      const dataplane::FlowKey key = key_of(i);
      buckets_[bucket_of(hash(key))].words[0] = i;
      entries_[i].words[1] = key.source.raw;
    }
  }

  // TSC cycles that `packets` packets take.
  uint64_t run(uint32_t packets) {
    uint64_t cycles = 0;
    for (uint32_t done = 0; done < packets; done += kBurstSize) {
      rte_mbuf* burst[kBurstSize];
      for (uint32_t i = 0; i < kBurstSize; ++i) {
        burst[i] = buffers_.fill(i, key_of(random_.below(connections_)), mac_);
      }
      const uint64_t start = rte_rdtsc();
      process(burst);
      cycles += rte_rdtsc() - start;
    }
    return cycles;
  }

 private:
  struct alignas(64) Line {
    uint32_t words[16];
  };

  static dataplane::FlowKey key_of(uint32_t index) {
    return {Be32::from_host(0x0a000000 + index), Be32::from_host(0xcb00710a),
            Be16::from_host(static_cast<uint16_t>(1024 + (index & 0x7fff))), Be16::from_host(80)};
  }
  uint64_t hash(const dataplane::FlowKey& key) const { return dataplane::flow_hash(hash_key_, key, 6); }
  uint32_t bucket_of(uint64_t hash) const {
    return static_cast<uint32_t>((uint64_t{static_cast<uint32_t>(hash)} * bucket_lines_) >> 32);
  }

  void process(rte_mbuf** burst) {
    using namespace dataplane;
    uint32_t bucket[kBurstSize];
    Line* entry[kBurstSize];
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      const auto* ip = rte_pktmbuf_mtod_offset(burst[i], const Ipv4Header*, sizeof(EthernetHeader));
      const auto* tcp = reinterpret_cast<const TcpHeader*>(ip + 1);
      FlowKey key;  // copied in two words, as they are read again: smaller stores would stall the hash's loads
      std::memcpy(static_cast<void*>(&key.source), &ip->source, 8);
      std::memcpy(static_cast<void*>(&key.source_port), tcp, 4);
      bucket[i] = bucket_of(hash(key));
      __builtin_prefetch(&buckets_[bucket[i]]);
    }
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      entry[i] = &entries_[buckets_[bucket[i]].words[0]];
      __builtin_prefetch(entry[i], 1);
    }
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      ++entry[i]->words[2];
      auto* frame = rte_pktmbuf_mtod(burst[i], EthernetHeader*);
      frame->destination = target_;
      frame->source = mac_;
    }
  }

  uint32_t connections_;
  uint32_t bucket_lines_;
  HugeMemory memory_;
  Line* buckets_;
  Line* entries_;
  Buffers buffers_;
  Random random_;
  dataplane::HashKey hash_key_ = dataplane::HashKey::from_bytes({1, 2, 3, 4});
  MacAddress mac_{{2, 0, 0, 0, 0, 1}};
  MacAddress target_{{2, 0, 0, 0, 0, 2}};
};

}  // namespace shunt::bench
