// Which real a client of a persistent service has: IPVS's connection templates (ip_vs_core.c ip_vs_sched_persist). One
// table for the node, since a client's connections come to any worker. Only the first packet and the end of a persistent
// service's connections come here; packets of known connections never do.
//
// Fixed memory, no lock, nobody waits: a template is 16 bytes that change as a whole (cmpxchg16b), four lie in a cache
// line, and a client's is in one of two lines. It is known by a keyed hash, 44 bits beside those that chose its
// line: of 2 * 10^12 clients one is taken for another, and nobody outside can choose whom. Beside it lies a note of whose
// it is, for lists.
//
// Shared: every worker and control, at any time. The workers' clocks began together and count the same cycles.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/connection.h"
#include "dataplane/flow_hash.h"
#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// Who has a template.
struct TemplateKey {
  IpAddress client;  // bits beyond `prefix` are zero
  ServiceId service;
  uint8_t prefix = 0;
  // Which of his calls (call.h); 0: all that he does.
  uint64_t call = 0;

  static TemplateKey of(const IpAddress& client, uint8_t prefix, ServiceId service, uint64_t call = 0) noexcept;
};

// A template as lists show it.
struct TemplateCopy {
  TemplateKey key;
  RealId real = kNoReal;     // kNoReal: it lost its real, and has connections on it left
  uint32_t connections = 0;  // that it lives at least as long as
  bool assured = false;      // one of them was more than half open
  int32_t expires_in_ms = 0;
};

// What a new connection goes by.
struct Held {
  RealId real = kNoReal;
  // What it counts on until let_go(); kNoTemplate: nothing.
  TemplateId by = kNoTemplate;
  // The table had no place for the client.
  bool is_full = false;
};

// How a connection ended that counted on a template.
enum class Ending : uint8_t {
  kWhole,     // it was more than half open
  kHalfOpen,  // by its timeout
  kEvicted,   // half open, to make room: its template goes with it unless it is assured (IPVS's random_dropentry)
};

class TemplateTable {
 public:
  static constexpr uint32_t kInLine = 4;
  // Memory that attach() needs for `capacity` templates (64 and up).
  static constexpr uint64_t bytes_for(uint32_t capacity) noexcept {
    return uint64_t{lines_for(capacity) + 1} * sizeof(Line) + uint64_t{slots_for(capacity)} * sizeof(Note);
  }
  // Zeroed memory of bytes_for(capacity), aligned to 64, which outlives this.
  void attach(void* memory, uint32_t capacity, const HashKey& key) noexcept;
  uint32_t capacity() const noexcept { return lines_ * kInLine; }
  // A Call-ID as keys have it, never zero; keyed.
  uint64_t hash_of_call(std::span<const uint8_t> id) const noexcept;
  // Places that copy_at() can be asked for.
  uint32_t places() const noexcept { return slots_for(capacity()); }

  // The client's real, one connection more counting on it and its time begun anew: its template's where that is
  // `available(RealId)`, else what `pick()` says, remembered for `timeout` ms. `pick` is called once at most, and its
  // kNoReal is not remembered.
  template <typename Available, typename Pick>
  Held hold(const TemplateKey& key, Tick now, Tick timeout, Available available, Pick pick) noexcept {
    const uint64_t hash = hash_of(key);
    std::optional<RealId> picked;
    for (;;) {
      const Place place = find(hash, now);
      if (place.is_live && available(place.state.real())) {
        if (change(place.slot, place.state, place.state.held_until(now + timeout))) {
          return {place.state.real(), id_of(place.slot)};
        }
        continue;
      }
      if (!picked) picked = pick();
      if (*picked == kNoReal) return {};
      if (place.slot == nullptr) return {*picked, kNoTemplate, true};
      const State made = State::made(hash, *picked, place.is_live ? place.state.connections() + 1 : 1, now + timeout);
      if (!change(place.slot, place.state, made)) continue;
      note(place.slot, key);
      // Two workers at once, and a place that came free between their looks: the first in order is the client's.
      if (find(hash, now).slot == place.slot) return {*picked, id_of(place.slot)};
      let_go(id_of(place.slot), now, Ending::kEvicted);
    }
  }
  // The client's real, nothing changed; kNoReal: it has none.
  RealId peek(const TemplateKey& key, Tick now) const noexcept;
  // A connection that counts on it ends. Past its time it then lives to the end of the minute that IPVS would have given
  // it (ip_vs_conn.c ip_vs_conn_expire: expire_later).
  void let_go(TemplateId id, Tick now, Ending ending) noexcept;

  // The reals are nobody's any more, by their index in `gone`.
  void forget(std::span<const bool> gone) noexcept;
  // Keeps the times of the next line from wrapping around; returns the line after it. To be called for every line at
  // least once in a week.
  uint32_t keep_time(uint32_t line, Tick now) noexcept;

  // How many there are. Looks at all.
  uint32_t used(Tick now) const noexcept;
  // The template at a place, below places(); nullopt: none, or one that is changing.
  std::optional<TemplateCopy> copy_at(uint32_t index, Tick now) const noexcept;

 private:
  // IPVS's step when a template's time is over and it has connections left.
  static constexpr Tick kRenewedMs = 60000;

  // All of a template, in two words that change together; all zero: none.
  struct alignas(16) State {
    static constexpr uint32_t kRealBits = 18;
    static constexpr uint64_t kReal = (uint64_t{1} << kRealBits) - 1;  // all set: none
    static constexpr uint64_t kAssured = uint64_t{1} << kRealBits;
    static constexpr uint64_t kWho = ~(kReal | kAssured);
    static_assert(kMaxReals <= kReal);

    uint64_t identity = 0;  // the client's hash, kAssured, the real's index
    uint64_t life = 0;      // connections above, when its time is over below

    static State made(uint64_t hash, RealId real, uint32_t connections, Tick expires) noexcept {
      return {who(hash) | real.index, uint64_t{connections} << 32 | expires};
    }
    // Never zero.
    static uint64_t who(uint64_t hash) noexcept { return (hash | uint64_t{1} << (kRealBits + 1)) & kWho; }

    bool operator==(const State&) const noexcept = default;
    bool is_free() const noexcept { return identity == 0; }
    bool is_of(uint64_t hash) const noexcept { return (identity & kWho) == who(hash); }
    bool is_dead(Tick now) const noexcept { return connections() == 0 && is_past(expires(), now); }
    bool is_assured() const noexcept { return identity & kAssured; }
    RealId real() const noexcept {
      const uint64_t index = identity & kReal;
      return index == kReal ? kNoReal : RealId{static_cast<uint32_t>(index)};
    }
    uint32_t connections() const noexcept { return static_cast<uint32_t>(life >> 32); }
    Tick expires() const noexcept { return static_cast<Tick>(life); }
    State held_until(Tick when) const noexcept { return {identity, uint64_t{connections() + 1} << 32 | when}; }
    State with_time(Tick when) const noexcept { return {identity, uint64_t{connections()} << 32 | when}; }
    State without_real() const noexcept { return connections() == 0 ? State{} : State{identity | kReal, life}; }
  };
  struct alignas(64) Line {
    State slots[kInLine];
  };
  static_assert(sizeof(Line) == 64);
  // Whose a slot is, in words of their own: a torn one does not match the slot's hash.
  struct alignas(32) Note {
    std::atomic<uint64_t> client[2];
    std::atomic<uint64_t> service_and_prefix;
    std::atomic<uint64_t> call;
  };

  // When one whose time was over at `expires` comes to the end of a minute that IPVS gives it.
  static Tick renewed(Tick expires, Tick now) noexcept { return expires + ((now - expires) / kRenewedMs + 1) * kRenewedMs; }

  // Where a client's template is, or would be. `slot` nullptr: nowhere.
  struct Place {
    State* slot = nullptr;
    State state;
    bool is_live = false;
  };

  static constexpr uint32_t lines_for(uint32_t capacity) noexcept { return (capacity + kInLine - 1) / kInLine; }
  static constexpr uint32_t slots_for(uint32_t capacity) noexcept { return (lines_for(capacity) + 1) * kInLine; }

  uint64_t hash_of(const TemplateKey& key) const noexcept;
  // By the bits that State::who() leaves out, first.
  State* home(uint64_t hash) const noexcept {
    const uint64_t bits = static_cast<uint32_t>(hash) << (31 - State::kRealBits) | (hash >> 32 & 0x1fff);
    return slots_ + (bits * lines_ >> 32) * kInLine;
  }
  TemplateId id_of(const State* slot) const noexcept { return {static_cast<uint32_t>(slot - slots_)}; }
  static State read(const State& slot) noexcept;
  static bool change(State* slot, State from, State to) noexcept;
  Place find(uint64_t hash, Tick now) const noexcept;
  void note(const State* slot, const TemplateKey& key) noexcept;

  HashKey key_{};
  uint32_t lines_ = 0;  // homes; one more is the last one's second
  State* slots_ = nullptr;
  Note* notes_ = nullptr;
};

}  // namespace shunt::dataplane
