// Looking at packets as they pass, for trace and capture. A worker with nobody looking asks one question a burst
// (journey.h); with somebody, each packet makes its journey alone, and what it was before is set beside what became of
// it. The journey itself knows nothing of that.
//
// A tap is one worker's: control makes it, hands it over by a command and takes it back by another. The worker writes
// records of one size to its ring, control reads them; what finds no place is counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/counters.h"
#include "dataplane/explain.h"
#include "dataplane/verdict.h"

struct rte_bpf;

namespace shunt::dataplane {

struct TapRecord {
  enum class Kind : uint8_t { kJourney, kFrameIn, kFrameOut };
  static constexpr uint32_t kMostBytes = 1664;
  static constexpr uint32_t kHeadBytes = 128;

  uint64_t cycles = 0;  // TSC
  Kind kind = Kind::kJourney;
  uint8_t worker = 0;
  // From another worker.
  bool handed_off = false;
  // Linux's own, from the kernel port.
  bool is_linux = false;
  // DPDK id: where it came in, or leaves.
  uint16_t port = 0;
  uint16_t frame_bytes = 0;  // of the whole frame
  uint16_t kept_bytes = 0;   // of it in `bytes`

  // What became of the packet: it was sent (frames left), or what its verdict says. `is_dropped`: it was counted as
  // `reason`, perhaps beside an answer that left.
  Verdict verdict = Verdict::kDrop;
  bool is_dropped = false;
  DropReason reason{};
  uint8_t owner = 0;  // under kHandOff
  RealId real = kNoReal;
  uint16_t frames_out = 0;

  // kJourney: before and after. `told` is what the worker would have said of it; its connection is the one before.
  Explanation told;
  bool has_flow = false;
  uint8_t tcp_flags = 0;
  std::optional<ConnectionCopy> after;
  uint16_t out_port = 0;
  uint16_t out_bytes = 0;  // of the first frame that left
  uint16_t out_kept = 0;
  std::array<uint8_t, kHeadBytes> out_head;
  std::array<uint8_t, kMostBytes> bytes;
};
static_assert(std::is_trivially_destructible_v<TapRecord>);

// One writer, one reader.
class TapRing {
 public:
  // `records` holds 2^n of them and outlives this.
  void attach(TapRecord* records, uint32_t capacity) noexcept {
    records_ = records;
    mask_ = capacity - 1;
  }
  // The writer's: a place to fill in, then commit(); nullptr: there is none.
  TapRecord* reserve() noexcept {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    return tail - head_.load(std::memory_order_acquire) > mask_ ? nullptr : &records_[tail & mask_];
  }
  void commit() noexcept { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  // The reader's: the oldest; nullptr: none.
  const TapRecord* front() const noexcept {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    return head == tail_.load(std::memory_order_acquire) ? nullptr : &records_[head & mask_];
  }
  void pop() noexcept { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  TapRecord* records_ = nullptr;
  uint32_t mask_ = 0;
  alignas(64) std::atomic<uint32_t> head_{0};
  alignas(64) std::atomic<uint32_t> tail_{0};
};

struct Tap {
  // What is wanted; not changed while the worker has it.
  bool is_trace = false;
  // Of a capture: frames that come in, frames that leave; on one port alone; by a program (setup/taps.h), nullptr: all.
  bool takes_in = true;
  bool takes_out = true;
  std::optional<uint16_t> port;
  const rte_bpf* program = nullptr;
  uint32_t snap_bytes = TapRecord::kMostBytes;
  // Of a trace: connections, and packets, of this destination and client.
  std::optional<IpAddress> vip;
  std::optional<Be16> vip_port;
  std::optional<IpAddress> client;
  // The worker stops when it has so many.
  uint64_t most = 0;

  // The worker's.
  TapRing ring;
  Counter taken;  // records written
  Counter lost;   // found no place
};

inline constexpr uint32_t kMostTaps = 4;
struct TapSet {
  uint32_t count = 0;
  std::array<Tap*, kMostTaps> taps{};
};

}  // namespace shunt::dataplane
