#include "dataplane/segment_size.h"

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

// RFC 9293 section 3.2.
constexpr uint8_t kEndOfOptions = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kSegmentSize = 2;
constexpr uint32_t kSegmentSizeBytes = 4;  // kind, length, value

// Where the option's value begins, counted from the header; 0: there is none.
uint32_t place_of_size(const uint8_t* header, uint32_t bytes) noexcept {
  for (uint32_t at = sizeof(TcpHeader); at < bytes && header[at] != kEndOfOptions;) {
    if (header[at] == kNoOperation) {
      ++at;
      continue;
    }
    const uint32_t length = at + 1 < bytes ? header[at + 1] : 0;
    if (length < 2 || length > bytes - at) return 0;
    if (header[at] == kSegmentSize) return length == kSegmentSizeBytes ? at + 2 : 0;
    at += length;
  }
  return 0;
}

}  // namespace

void lower_segment_size(TcpHeader* tcp, uint16_t most) noexcept {
  auto* header = reinterpret_cast<uint8_t*>(tcp);
  const uint32_t at = place_of_size(header, tcp->header_bytes());
  if (at == 0) return;
  Be16 size;
  std::memcpy(&size.raw, header + at, sizeof size);
  if (size.host() <= most) return;
  // The words that hold it: a value at an odd place lies in two.
  const uint32_t first = at & ~1u;
  const uint32_t words = at % 2 == 0 ? 2 : 4;
  const uint16_t before = fold(sum_of(header + first, words));
  size = Be16::from_host(most);
  std::memcpy(header + at, &size.raw, sizeof size);
  tcp->checksum = updated(tcp->checksum, fold(sum_of(header + first, words, inverse(before))));
}

}  // namespace shunt::dataplane
