// Frames in more than one buffer, as drivers with small ones deliver them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/eal.h"
#include "tests/support/packet_builder.h"

namespace shunt::dataplane {

// The frame's first `first` bytes in one buffer, the rest in a second. What follows in the first is not of the frame, and
// looks like nothing good.
inline rte_mbuf* in_two_buffers(const test::Bytes& frame, size_t first) {
  const auto middle = frame.begin() + static_cast<long>(first);
  rte_mbuf* head = test::mbuf_of(test::Bytes(frame.begin(), middle), test::mbuf_pool());
  std::memset(rte_pktmbuf_mtod_offset(head, uint8_t*, first), 0xff, rte_pktmbuf_tailroom(head));
  rte_mbuf* tail = test::mbuf_of(test::Bytes(middle, frame.end()), test::mbuf_pool());
  EXPECT_EQ(rte_pktmbuf_chain(head, tail), 0);
  return head;
}

}  // namespace shunt::dataplane
