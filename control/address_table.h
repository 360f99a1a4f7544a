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

  // One more meaning for `address`; 0.0.0.0 and nothing else is left out.
  void add(Be32 address, dataplane::AddressSlot::Kind kind) {
    if (address.raw == 0) return;
    const size_t mask = slots_.size() - 1;
    size_t i = dataplane::address_hash(address) & mask;
    while (slots_[i].address.raw != 0 && slots_[i].address != address) i = (i + 1) & mask;
    slots_[i].address = address;
    slots_[i].kinds |= dataplane::bit(kind);
  }
  std::vector<dataplane::AddressSlot> take() && { return std::move(slots_); }

 private:
  std::vector<dataplane::AddressSlot> slots_;
};

}  // namespace shunt::control
