// Which clients a service denies: the prefixes of its allow and deny lists, the longest one winning, as a worker asks them
// of a packet of no connection. Immutable, of a snapshot; built by control/access_table_builder.h.
//
// Put together, the lists cut a family's addresses into stretches that are denied and allowed in turns. So nothing need be
// said of a stretch but where it ends, and whether an address is denied follows from whether the number of ends below it
// is odd or even. The ends lie in a static B-tree without pointers, a node of 16 IPv4 ends in one cache line, of 8 IPv6
// ends in two: 100,000 prefixes take five reads of IPv4, six of IPv6, whatever their lengths are (DECISIONS.md).
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/next_hops.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// Numbers are kept less their half, so that their order is that of the signed integers that vectors compare.
inline int32_t ordered(Number4 number) noexcept { return static_cast<int32_t>(number ^ 0x80000000u); }
inline int64_t ordered(uint64_t half) noexcept { return static_cast<int64_t>(half ^ (uint64_t{1} << 63)); }

// A node: ends in their order, and behind them what no address is above.
struct alignas(64) AccessNode4 {
  using Number = Number4;
  static constexpr uint32_t kEnds = 16;
  std::array<int32_t, kEnds> ends;

  void set(uint32_t index, Number end) noexcept { ends[index] = ordered(end); }
  // How many ends are below.
  uint32_t below(Number number) const noexcept;
};
struct alignas(128) AccessNode6 {
  using Number = Number6;
  static constexpr uint32_t kEnds = 8;
  std::array<int64_t, kEnds> high;
  std::array<int64_t, kEnds> low;

  void set(uint32_t index, Number end) noexcept {
    high[index] = ordered(static_cast<uint64_t>(end >> 64));
    low[index] = ordered(static_cast<uint64_t>(end));
  }
  uint32_t below(Number number) const noexcept;
};
static_assert(sizeof(AccessNode4) == 64 && sizeof(AccessNode6) == 128);
static_assert(AccessNode4::kEnds % 2 == 0 && AccessNode6::kEnds % 2 == 0, "a leaf's own count tells odd from even");

// A node of a level with an index i has the children (kEnds + 1) * i and those behind it, of the level below; its end j is
// the last one of its child j.
struct AccessTable {
  static constexpr uint32_t kMostLevels = 9;  // 8 * 9^8 ends and more

  AddressFamily family = AddressFamily::kIpv4;
  // Whether the family's lowest address is denied.
  bool denies_first = false;
  // 0: there is one stretch, all of it as the lowest address is.
  uint8_t levels = 0;
  // Where each level begins in `nodes`, the root's first.
  std::array<uint32_t, kMostLevels> begins{};
  // AccessNode4 or AccessNode6, by the family.
  const void* nodes = nullptr;

  // REQUIRES: of the table's family. noexcept; any thread while the snapshot lives.
  bool denies(const IpAddress& client) const noexcept;
};

}  // namespace shunt::dataplane
