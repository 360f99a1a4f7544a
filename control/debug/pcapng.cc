#include "control/debug/pcapng.h"

#include <chrono>
#include <cstring>

namespace shunt::control {
namespace {

constexpr uint32_t kSection = 0x0a0d0d0a;
constexpr uint32_t kInterface = 1;
constexpr uint32_t kStatistics = 5;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kEthernetLink = 1;

constexpr uint16_t kEndOfOptions = 0;
constexpr uint16_t kComment = 1;
constexpr uint16_t kUserApplication = 4;  // of a section
constexpr uint16_t kInterfaceName = 2;
constexpr uint16_t kTimeResolution = 9;
constexpr uint16_t kPacketFlags = 2;
constexpr uint16_t kLostFrames = 5;  // isb_ifdrop
constexpr uint32_t kInbound = 1;
constexpr uint32_t kOutbound = 2;

// In this machine's byte order, as the section says.
template <typename Number>
void put(std::string& block, Number number) {
  block.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_padded(std::string& block, std::string_view bytes) {
  block.append(bytes);
  block.append((4 - bytes.size() % 4) % 4, '\0');
}

void put_option(std::string& block, uint16_t code, std::string_view value) {
  put(block, code);
  put(block, static_cast<uint16_t>(value.size()));
  put_padded(block, value);
}

template <typename Number>
void put_number_option(std::string& block, uint16_t code, Number number) {
  put_option(block, code, {reinterpret_cast<const char*>(&number), sizeof number});
}

// The length stands on both sides.
std::string block_of(uint32_t type, const std::string& body) {
  const auto bytes = static_cast<uint32_t>(body.size() + 12);
  std::string block;
  put(block, type);
  put(block, bytes);
  block += body;
  put(block, bytes);
  return block;
}

void put_time(std::string& body, WallClock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  const auto nanoseconds = static_cast<uint64_t>(since);
  put(body, static_cast<uint32_t>(nanoseconds >> 32));
  put(body, static_cast<uint32_t>(nanoseconds));
}

}  // namespace

uint32_t PcapngWriter::interface_of(uint16_t port) const {
  for (uint32_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i].first == port) return i;
  }
  return 0;
}

std::string PcapngWriter::begin() const {
  std::string section;
  put(section, kByteOrderMagic);
  put(section, uint16_t{1});  // version 1.0
  put(section, uint16_t{0});
  put(section, int64_t{-1});  // of unknown length
  put_option(section, kUserApplication, "shuntd " SHUNT_VERSION);
  put_option(section, kEndOfOptions, "");
  std::string file = block_of(kSection, section);
  for (const auto& [id, name] : ports_) {
    std::string interface;
    put(interface, kEthernetLink);
    put(interface, uint16_t{0});
    put(interface, snap_bytes_);
    put_option(interface, kInterfaceName, name);
    put_number_option(interface, kTimeResolution, uint8_t{9});  // nanoseconds
    put_option(interface, kEndOfOptions, "");
    file += block_of(kInterface, interface);
  }
  return file;
}

std::string PcapngWriter::frame(const CapturedFrame& frame) const {
  std::string body;
  put(body, interface_of(frame.port));
  put_time(body, frame.time);
  put(body, static_cast<uint32_t>(frame.bytes.size()));
  put(body, frame.frame_bytes);
  put_padded(body, {reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size()});
  if (!frame.comment.empty()) put_option(body, kComment, frame.comment);
  put_number_option(body, kPacketFlags, frame.is_in ? kInbound : kOutbound);
  put_option(body, kEndOfOptions, "");
  return block_of(kEnhancedPacket, body);
}

std::string PcapngWriter::end(uint64_t lost, WallClock::time_point now) const {
  if (ports_.empty()) return "";
  std::string body;
  put(body, uint32_t{0});  // they are not counted by port
  put_time(body, now);
  put_number_option(body, kLostFrames, lost);
  put_option(body, kEndOfOptions, "");
  return block_of(kStatistics, body);
}

}  // namespace shunt::control
