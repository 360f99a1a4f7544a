// A worker's counters. Owner: that worker, the only writer; others read them relaxed, one value at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/types.h"
#include "dataplane/verdict.h"

namespace shunt::dataplane {

// A counter with one writer: no locked instruction, and readers on other cores see whole values.
class Counter {
 public:
  // One instruction in memory: compilers make three of a relaxed load and store.
  void add(uint64_t amount) noexcept { asm("addq %1, %0" : "+m"(value_) : "er"(amount) : "cc"); }
  void set(uint64_t value) noexcept { std::atomic_ref(value_).store(value, std::memory_order_relaxed); }
  uint64_t read() const noexcept { return std::atomic_ref(value_).load(std::memory_order_relaxed); }

 private:
  // atomic_ref takes no const in C++20.
  alignas(8) mutable uint64_t value_ = 0;
};

// Where a worker keeps a real's load in order (schedulers/load_tree.h): a leaf of its service's tree.
struct LoadPlace {
  ServiceId service = kNoService;
  uint32_t leaf = 0;  // 0: nowhere, as of a real whose scheduler does not go by load
};

// One real's share on one worker; one cache line. `connections` grows; active and inactive are what there is now;
// local_turn, where the next search for a local port begins (local_ports.h), and place are nobody else's to read.
struct alignas(64) RealCounters {
  Counter in_packets;
  Counter in_bytes;
  Counter out_packets;
  Counter out_bytes;
  Counter connections;
  std::atomic<uint32_t> active{0};
  std::atomic<uint32_t> inactive{0};
  uint32_t local_turn = 0;
  LoadPlace place;
  // The upper threshold by which the real has too many connections (schedulers/overload.h); 0: it has not.
  std::atomic<uint32_t> overloaded_at{0};
};
static_assert(sizeof(RealCounters) == 64);

// What became of one real's new connections on one worker, of those that are watched (outcome.h); grows.
struct RealOutcomes {
  Counter answered;    // the real answered the SYN, and not by a reset
  Counter unanswered;  // it said nothing for kAnswerMs
  Counter refused;     // it answered the SYN by a reset
  Counter reset;       // answered, and then reset before it sent anything else; among `answered`, too
};
static_assert(sizeof(RealOutcomes) == 32);

// What a worker refused of one service's packets; written only when something is.
struct alignas(64) ServiceCounters {
  Counter denied;  // by its access lists
  // By its limits, of the service and of one client, by Limit (limits.h).
  std::array<Counter, 4> limited;
  std::array<Counter, 4> client_limited;
};
static_assert(sizeof(ServiceCounters) == 128);

struct alignas(64) WorkerCounters {
  Counter rx_packets;
  Counter tx_packets;
  Counter kernel_packets;      // to the kernel port
  Counter handed_off_packets;  // to other workers
  Counter bursts;              // that held a packet
  Counter polls;               // all
  Counter busy_cycles;         // TSC cycles in polls that found a packet
  Counter idle_cycles;
  Counter connections;         // in the IPv4 table now: rises and falls
  Counter ipv6_connections;    // the same of the IPv6 table
  Counter untracked_packets;   // forwarded without a connection, the table being full
  // Of connections between families: packets that came as IPv4, and that left as such (nat64/crossing.h).
  Counter translated_to_ipv6;
  Counter translated_to_ipv4;
  Counter half_open_evicted;
  Counter unremembered;  // connections of persistent services whose client found the templates' table full
  Counter entries_dropped;  // by drop_entry
  Counter uncarried;  // packets that should have told a real who its client is, and could not
  // FTP: data connections that were announced and are expected, and those that could not be; those that came; endpoints that
  // are not their sender's to name; control connections that are not read, for which there was no room or no beginning.
  Counter ftp_expected;
  Counter ftp_unexpected;
  Counter ftp_opened;
  Counter ftp_refused;
  Counter ftp_unread;
  Counter answers;  // ICMP errors and resets sent; each also counts as the drop that it explains
  Counter snapshot_version;    // the snapshot last seen
  Counter clock;               // Worker::now
  std::array<Counter, kDropReasons> drops;
};

}  // namespace shunt::dataplane
