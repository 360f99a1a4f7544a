// The addresses that mean something to the packet path, as the open-addressed table that workers search. Owner: whoever
// builds one; the finished table is immutable.
#pragma once

#include <cstddef>
#include <vector>

#include "dataplane/snapshot.h"

namespace shunt::control {

// A table of `Slot`s, a power of two of them, at most half full with `entries`.
template <typename Slot>
std::vector<Slot> empty_table(size_t entries) {
  size_t slots = 2;
  while (slots < entries * 2) slots *= 2;
  return std::vector<Slot>(slots);
}

class AddressTable {
 public:
  // Room for `entries` calls of add().
  explicit AddressTable(size_t entries) : slots_(empty_table<dataplane::AddressSlot>(entries)) {}

  // One more meaning for `address`; 0.0.0.0 and ::, and nothing else, are left out.
  void add(const IpAddress& address, dataplane::AddressSlot::Kind kind) {
    if (address.is_unspecified()) return;
    dataplane::AddressSlot& slot = place_of(address);
    used_ += slot.kinds == 0 ? 1 : 0;
    slot.address = address;
    slot.kinds |= dataplane::bit(kind);
  }
  // The table, no larger than its distinct addresses need: workers want it in their caches.
  std::vector<dataplane::AddressSlot> take() && {
    AddressTable small(used_);
    if (small.slots_.size() == slots_.size()) return std::move(slots_);
    for (const dataplane::AddressSlot& slot : slots_) {
      if (slot.kinds != 0) small.place_of(slot.address) = slot;
    }
    return std::move(small.slots_);
  }

 private:
  dataplane::AddressSlot& place_of(const IpAddress& address) {
    const size_t mask = slots_.size() - 1;
    size_t i = dataplane::address_hash(address) & mask;
    while (slots_[i].kinds != 0 && slots_[i].address != address) i = (i + 1) & mask;
    return slots_[i];
  }

  std::vector<dataplane::AddressSlot> slots_;
  size_t used_ = 0;
};

}  // namespace shunt::control
