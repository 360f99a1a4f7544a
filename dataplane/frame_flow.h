// What a frame's headers say of its flow, without a worker: for those who look on. Whole first headers alone: of later
// fragments, IPsec and ICMP it knows the addresses and protocol. Pure function; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/connection.h"

namespace shunt::dataplane {

struct FrameFlow {
  bool is_ip = false;
  bool has_ports = false;
  IpFlow flow;
  uint8_t tcp_flags = 0;  // TCP's own
  uint8_t hops = 0;
  uint16_t ip_bytes = 0;
  uint16_t l4_offset = 0;  // from the frame's begin; behind all extension headers
};

FrameFlow flow_of_frame(std::span<const uint8_t> frame) noexcept;

}  // namespace shunt::dataplane
