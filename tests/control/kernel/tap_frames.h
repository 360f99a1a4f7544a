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

// A neighbour solicitation (135) or advertisement (136) about `target`.
inline std::function<bool(const Frame&)> is_neighbour_message(uint8_t type,
                                                              const IpAddress& target) {
  return [=](const Frame& frame) {
    return frame.size() >= 78 && be16_at(frame, 12) == 0x86dd && frame[20] == 58 &&
           frame[54] == type && has_bytes_at(frame, 62, target.bytes.data(), 16);
  };
}

// An IPv6 packet with an ICMPv6 message, its checksum made right.
inline Frame icmp6_frame(const MacAddress& from_mac, const IpAddress& from,
                         const MacAddress& to_mac, const IpAddress& to,
                         const std::vector<uint8_t>& message) {
  Frame frame(54);
  std::memcpy(frame.data(), to_mac.bytes.data(), 6);
  std::memcpy(&frame[6], from_mac.bytes.data(), 6);
  const std::array<uint8_t, 10> header = {
      0x86, 0xdd, 0x60, 0, 0, 0, 0, static_cast<uint8_t>(message.size()), 58, 255};
  std::memcpy(&frame[12], header.data(), header.size());
  std::memcpy(&frame[22], from.bytes.data(), 16);
  std::memcpy(&frame[38], to.bytes.data(), 16);
  frame.insert(frame.end(), message.begin(), message.end());
  uint32_t sum = 58 + static_cast<uint32_t>(message.size());
  for (size_t i = 22; i < frame.size(); i += 2) sum += be16_at(frame, i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  frame[56] = static_cast<uint8_t>(~sum >> 8);
  frame[57] = static_cast<uint8_t>(~sum);
  return frame;
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
