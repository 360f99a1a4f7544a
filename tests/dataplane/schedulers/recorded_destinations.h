// The destinations, 203.0.113.N, of connections whose reals were recorded from Linux 6.1's IPVS: a service by fwmark,
// reals 10.0.0.1 and on added in the order of their names, each connection still open when the next one came.
#pragma once

#include <array>
#include <span>

namespace shunt::dataplane {

inline constexpr std::array<int, 40> kRecordedDestinations = {6, 6, 6, 5, 4, 4, 4, 6, 3, 2, 5, 3, 3, 5,
                                                              5, 1, 5, 1, 1, 6, 3, 4, 4, 4, 1, 3, 1, 1,
                                                              4, 2, 5, 2, 3, 6, 3, 1, 1, 5, 2, 2};

inline std::span<const int> destinations(size_t from, size_t to) {
  return std::span(kRecordedDestinations).subspan(from, to - from);
}

}  // namespace shunt::dataplane
