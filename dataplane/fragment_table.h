// The datagrams that pass a worker in fragments, and the fragments that came before their datagram's first one. A fixed
// number of both. A sender's datagrams have only a share of the places (its group's), the oldest make room: who floods
// us crowds out himself and few others. Owner: one worker.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/datagram.h"

namespace shunt::dataplane {

struct FragmentTable {
  static constexpr uint32_t kGroups = 32;
  static constexpr uint32_t kSetsOfGroup = 16;
  static constexpr uint32_t kPlacesOfSet = 8;
  static constexpr uint32_t kDatagrams = kGroups * kSetsOfGroup * kPlacesOfSet;
  static constexpr uint16_t kNoDatagram = UINT16_MAX;
  static_assert(kDatagrams < kNoDatagram);
  // Two groups' waiting fragments share a ring.
  static constexpr uint32_t kRings = kGroups / 2;
  static constexpr uint32_t kPlacesOfRing = 32;
  static constexpr uint32_t kWaiting = kRings * kPlacesOfRing;

  // How long a datagram is remembered from its first sign on: what RFC 791 section 3.2 suggests for reassembly. Linux
  // has 30 and 60 seconds; but identifications come around (RFC 4963), and the reassembly itself is the real's.
  static constexpr Tick kLifetimeMs = 15000;
  // How long a fragment waits for the first one: much longer than packets overtake each other.
  static constexpr Tick kWaitMs = 1000;

  // Waiting fragments, in the order in which they came; places that became empty pass by.
  struct WaitingRing {
    struct Place {
      rte_mbuf* mbuf;  // nullptr: it went on
      Tick deadline;
      uint16_t datagram;  // its index
    };
    std::array<Place, kPlacesOfRing> places{};
    uint32_t head = 0;  // the oldest; both count up and wrap
    uint32_t tail = 0;

    bool is_empty() const noexcept { return head == tail; }
    bool is_full() const noexcept { return tail - head == kPlacesOfRing; }
    Place& oldest() noexcept { return places[head % kPlacesOfRing]; }
    Place& newest() noexcept { return places[tail % kPlacesOfRing]; }  // the one to be filled next
  };

  std::array<Datagram, kDatagrams> datagrams{};
  std::array<WaitingRing, kRings> waiting{};
  uint32_t last_serial = 0;
  // Where what is done to TCP's or UDP's header goes for fragments that have none.
  std::array<uint8_t, 64> no_l4{};

  uint16_t index_of(const Datagram& datagram) const noexcept {
    return static_cast<uint16_t>(&datagram - datagrams.data());
  }
  WaitingRing& waiting_of(const Datagram& datagram) noexcept {
    return waiting[index_of(datagram) / (kDatagrams / kRings)];
  }
};

}  // namespace shunt::dataplane
