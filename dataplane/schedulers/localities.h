// Which real, or which set of reals, a destination address has: what lblc and lblcr remember (Linux ip_vs_lblc.c,
// ip_vs_lblcr.c). One cache for all of a worker's services; fixed memory, for about as many destinations as Linux
// keeps of one service. Whoever comes when it is full takes the place of one that was not asked for lately.
//
// Owner: one worker, for itself.
#pragma once

#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/flow_hash.h"
#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

class LocalityCache {
 public:
  static constexpr uint32_t kEntries = 16 * 1024;  // IP_VS_LBLC_TAB_SIZE * 16
  static constexpr uint32_t kMembers = 2 * kEntries;
  static constexpr uint32_t kNone = UINT32_MAX;
  // Unused for so long, a destination is forgotten (sysctl lblc_expiration and lblcr_expiration); as long, a set stays
  // as it is before it loses its most loaded real.
  static constexpr Tick kExpirationMs = 24u * 3600 * 1000;

  // A real of a destination.
  struct Member {
    RealId real;
    uint32_t next = kNone;
  };
  // A destination; its reals are a list, the last one added first.
  struct Entry {
    IpAddress destination;
    ServiceId service;
    uint32_t next = kNone;  // in its row
    uint32_t first = kNone;
    uint32_t count = 0;  // of reals
    Tick used = 0;
    Tick changed = 0;
  };

  static constexpr uint64_t bytes() noexcept {
    return kRows * sizeof(uint32_t) + kEntries * sizeof(Entry) + kMembers * sizeof(Member);
  }
  // `memory` has bytes(), aligned to 64, of any content, and outlives this.
  void attach(void* memory, const HashKey& key) noexcept;
  bool is_attached() const noexcept { return rows_ != nullptr; }

  // The destination's entry, noted as used; nullptr: it has none.
  Entry* find(ServiceId service, const IpAddress& destination, Tick now) noexcept;
  // The same for who only asks: nullptr, too, for one that find() would clear.
  const Entry* peek(ServiceId service, const IpAddress& destination, Tick now) const noexcept;
  // A new one, without reals.
  Entry* add(ServiceId service, const IpAddress& destination, Tick now) noexcept;

  // nullptr: the end.
  const Member* first_of(const Entry& entry) const noexcept { return member_at(entry.first); }
  const Member* after(const Member& member) const noexcept { return member_at(member.next); }
  bool has(const Entry& entry, RealId real) const noexcept;
  // Without room it is not remembered.
  void insert(Entry& entry, RealId real, Tick now) noexcept;
  void erase(Entry& entry, RealId real, Tick now) noexcept;
  void clear(Entry& entry) noexcept;

 private:
  static constexpr uint32_t kRows = 4096;

  uint32_t& row_of(ServiceId service, const IpAddress& destination) const noexcept;
  const Member* member_at(uint32_t index) const noexcept { return index == kNone ? nullptr : &members_[index]; }
  uint32_t take_place(Tick now) noexcept;
  void forget(uint32_t index) noexcept;

  HashKey key_{};
  uint32_t* rows_ = nullptr;
  Entry* entries_ = nullptr;
  Member* members_ = nullptr;
  uint32_t fresh_entries_ = 0;  // from here on, never used
  uint32_t fresh_members_ = 0;
  uint32_t free_members_ = kNone;
  uint32_t hand_ = 0;  // where the search for a place goes on
};

}  // namespace shunt::dataplane
