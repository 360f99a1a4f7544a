// Data connections that are to come, as FTP's control connections announced them. One table for the node, since a data
// connection's first packet comes to any worker. Only the first packets of TCP connections that no table knows come here,
// and the lines that announce them.
//
// Fixed memory, no lock, nobody waits: an entry's state, one word, changes by comparing it as a whole, and with each use its
// generation, so whoever read an entry and then takes it knows that it took what it read. An entry is used once. Of two
// workers that put down the same at once, the first in order has it.
//
// Shared: every worker and control, at any time. The workers' clocks began together and count the same cycles.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "dataplane/connection.h"
#include "dataplane/flow_hash.h"
#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// The first packet goes from `from`, any port of it, to `to` and `port`.
struct Expectation {
  IpAddress from;
  IpAddress to;
  // The control connection's end at the client; under fullnat, at the real's: the local address.
  IpAddress client;
  IpAddress vip;
  IpAddress local;
  Be16 port;
  Be16 client_port;  // of an active one: where the client listens
  Be16 real_port;    // of a passive one: where the real listens; of an active one: that of its control connection
  Be16 control_port;  // the VIP's, of the control connection
  // Its client connects to its real, and not the other way round.
  bool is_passive = false;
  RealId real;
  ServiceId service;

  bool is_for(const IpAddress& source, const IpAddress& destination, Be16 destination_port) const noexcept {
    return port == destination_port && from == source && to == destination;
  }
};

// What was put down, as long as it is that. kNone: nothing.
struct ExpectationId {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t index = kNone;
  uint32_t generation = 0;
};

// Of the node: each control connection has one at most.
inline constexpr uint32_t kExpectations = 4096;

class ExpectationTable {
 public:
  // Memory that attach() needs for `capacity` of them.
  static constexpr uint64_t bytes_for(uint32_t capacity) noexcept { return uint64_t{capacity + kWindow} * sizeof(Entry); }
  // Zeroed memory of bytes_for(capacity), aligned to 64, which outlives this.
  void attach(void* memory, uint32_t capacity, const HashKey& key) noexcept;

  // There surely is none.
  bool is_empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }
  // How many there are, those whose time is over and whose place nobody needed included.
  uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  struct Found {
    Expectation expectation;
    ExpectationId id;
  };
  std::optional<Found> find(const IpAddress& source, const IpAddress& destination, Be16 port, Tick now) const noexcept;
  // nullopt: there is no place for it, or another one for the same first packet.
  std::optional<ExpectationId> put(const Expectation& expectation, Tick now, Tick timeout) noexcept;
  // False: somebody else did, or its time is over and its place another's.
  bool take(ExpectationId id) noexcept;

 private:
  // Places in which one may lie, from its home on.
  static constexpr uint32_t kWindow = 8;

  // All of an entry's state in a word: when it ends, its generation, what it is.
  enum class Is : uint8_t { kFree, kWritten, kReady };
  struct State {
    static constexpr uint32_t kGenerations = (1u << 30) - 1;
    uint64_t word = 0;

    static State of(Tick expires, uint32_t generation, Is is) noexcept {
      return {uint64_t{expires} << 32 | (generation & kGenerations) << 2 | static_cast<uint32_t>(is)};
    }
    Tick expires() const noexcept { return static_cast<Tick>(word >> 32); }
    uint32_t generation() const noexcept { return static_cast<uint32_t>(word) >> 2; }
    Is is() const noexcept { return static_cast<Is>(word & 3); }
    bool is_ready(Tick now) const noexcept { return is() == Is::kReady && !is_past(expires(), now); }
  };
  static constexpr uint32_t kWords = (sizeof(Expectation) + 7) / 8;
  struct alignas(64) Entry {
    std::atomic<uint64_t> state;
    std::atomic<uint64_t> words[kWords];
  };
  static_assert(sizeof(Entry) == 128);

  static State read(const Entry& entry) noexcept { return {entry.state.load(std::memory_order_acquire)}; }
  static bool change(Entry& entry, State from, State to) noexcept {
    return entry.state.compare_exchange_strong(from.word, to.word, std::memory_order_acq_rel);
  }
  static Expectation copy(const Entry& entry) noexcept;
  Entry* home(const IpAddress& source, const IpAddress& destination, Be16 port) const noexcept;

  HashKey key_{};
  uint32_t capacity_ = 0;
  Entry* entries_ = nullptr;
  std::atomic<uint32_t> count_{0};
};

}  // namespace shunt::dataplane
