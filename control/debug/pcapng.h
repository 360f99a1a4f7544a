// Captured frames as a pcapng file (draft-ietf-opsawg-pcapng), which Wireshark, tshark and tcpdump read. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/debug/watch_report.h"

namespace shunt::control {

class PcapngWriter {
 public:
  // `ports`: the names of CapturedFrame::port.
  PcapngWriter(std::vector<std::pair<uint16_t, std::string>> ports, uint32_t snap_bytes)
      : ports_(std::move(ports)), snap_bytes_(snap_bytes) {}

  // The section's and the interfaces' blocks: what a file begins with.
  std::string begin() const;
  std::string frame(const CapturedFrame& frame) const;
  // How many frames were lost: what a file ends with.
  std::string end(uint64_t lost, WallClock::time_point now) const;

 private:
  uint32_t interface_of(uint16_t port) const;

  const std::vector<std::pair<uint16_t, std::string>> ports_;
  const uint32_t snap_bytes_;
};

}  // namespace shunt::control
