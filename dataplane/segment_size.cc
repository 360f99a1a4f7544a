#include "dataplane/segment_size.h"

#include <algorithm>

#include "dataplane/header_options.h"

namespace shunt::dataplane {
namespace {

constexpr uint32_t kOptionBytes = 4;  // kind, length, value

// Where the option's value begins, counted from the header; 0: there is none.
uint32_t place_of_size(const uint8_t* header, uint32_t bytes) noexcept {
  for (HeaderOption option; next_option(header, bytes, option);) {
    if (option.kind == kTcpSegmentSize) return option.bytes == kOptionBytes ? option.at + 2 : 0;
  }
  return 0;
}

}  // namespace

void lower_segment_size(TcpHeader* tcp, uint16_t most, uint16_t less) noexcept {
  auto* header = reinterpret_cast<uint8_t*>(tcp);
  const uint32_t at = place_of_size(header, tcp->header_bytes());
  if (at == 0) return;
  Be16 size;
  std::memcpy(&size.raw, header + at, sizeof size);
  const uint16_t said = size.host();
  const uint16_t lowered = std::min(most, static_cast<uint16_t>(said - std::min(said, less)));
  if (lowered == said) return;
  size = Be16::from_host(lowered);
  change_tcp_header(tcp, at, sizeof size, [&](uint8_t* value) { std::memcpy(value, &size.raw, sizeof size); });
}

}  // namespace shunt::dataplane
