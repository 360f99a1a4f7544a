// Frames at a TAP's other end, where tests stand for the DPDK port.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "src/base/address.h"

namespace shunt::test {

using Frame = std::vector<uint8_t>;

// The next frame from the TAP for which `wanted` is true; nullopt when none comes in time.
inline std::optional<Frame> read_frame(
    int tap_fd, const std::function<bool(const Frame&)>& wanted,
    std::chrono::milliseconds patience = std::chrono::milliseconds(2000)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd readable{tap_fd, POLLIN, 0};
    if (left.count() < 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0)
      return std::nullopt;
    Frame frame(16384);
    const ssize_t bytes = ::read(tap_fd, frame.data(), frame.size());
    if (bytes < 0) return std::nullopt;
    frame.resize(static_cast<size_t>(bytes));
    if (wanted(frame)) return frame;
  }
}

inline uint16_t be16_at(const Frame& frame, size_t offset) {
  return static_cast<uint16_t>(frame.at(offset) << 8 | frame.at(offset + 1));
}

inline bool has_bytes_at(const Frame& frame, size_t offset, const uint8_t* bytes, size_t count) {
  return frame.size() >= offset + count && std::memcmp(frame.data() + offset, bytes, count) == 0;
}

// ARP of `operation` (1 request, 2 reply) from `sender` about `target`.
inline std::function<bool(const Frame&)> is_arp(uint16_t operation, const IpAddress& sender,
                                                const IpAddress& target) {
  return [=](const Frame& frame) {
    return frame.size() >= 42 && be16_at(frame, 12) == 0x0806 && be16_at(frame, 20) == operation &&
           has_bytes_at(frame, 28, sender.bytes.data(), 4) &&
           has_bytes_at(frame, 38, target.bytes.data(), 4);
  };
}

inline Frame arp_frame(uint16_t operation, const MacAddress& sender_mac, const IpAddress& sender,
                       const MacAddress& target_mac, const IpAddress& target) {
  Frame frame(42);
  if (operation == 1)
    std::memset(frame.data(), 0xff, 6);
  else
    std::memcpy(frame.data(), target_mac.bytes.data(), 6);
  std::memcpy(&frame[6], sender_mac.bytes.data(), 6);
  const std::array<uint8_t, 10> header = {0x08, 0x06, 0, 1, 0x08,
                                          0,    6,    4, 0, static_cast<uint8_t>(operation)};
  std::memcpy(&frame[12], header.data(), header.size());
  std::memcpy(&frame[22], sender_mac.bytes.data(), 6);
  std::memcpy(&frame[28], sender.bytes.data(), 4);
  std::memcpy(&frame[32], target_mac.bytes.data(), 6);
  std::memcpy(&frame[38], target.bytes.data(), 4);
  return frame;
}

}  // namespace shunt::test
