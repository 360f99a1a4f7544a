// The options of IPv4 and TCP headers, which are written alike behind 20 bytes (RFC 791 section 3.1, RFC 9293 section 3.2),
// and changes to a TCP header that keep its checksum right. Worker only.
#pragma once

#include <cstdint>

#include "dataplane/checksum.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

inline constexpr uint8_t kEndOfOptions = 0;
inline constexpr uint8_t kNoOperation = 1;
inline constexpr uint8_t kTcpSegmentSize = 2;
inline constexpr uint8_t kTcpSelectiveAcks = 5;  // RFC 2018
inline constexpr uint8_t kTcpMultipath = 30;     // RFC 8684
inline constexpr uint8_t kTcpFastOpen = 34;      // RFC 7413
// What four bits for a header's length can say.
inline constexpr uint32_t kMostHeaderBytes = 60;

struct HeaderOption {
  uint32_t at = 20;    // its first byte's place in the header
  uint32_t bytes = 0;  // kind and length included
  uint8_t kind = kEndOfOptions;
};
static_assert(sizeof(TcpHeader) == 20 && sizeof(Ipv4Header) == 20);

// Goes on from `option`, the first time a new one, to the next one of a header with `bytes`; those of one byte are passed
// over. False: there is none, or what comes is malformed.
inline bool next_option(const uint8_t* header, uint32_t bytes, HeaderOption& option) noexcept {
  uint32_t at = option.at + option.bytes;
  while (at < bytes && header[at] == kNoOperation) ++at;
  if (at + 1 >= bytes || header[at] == kEndOfOptions) return false;
  const uint32_t length = header[at + 1];
  if (length < 2 || length > bytes - at) return false;
  option = {at, length, header[at]};
  return true;
}

// Lets `change` write to the `bytes` at place `at` of the header.
template <typename Change>
void change_tcp_header(TcpHeader* tcp, uint32_t at, uint32_t bytes, Change change) noexcept {
  auto* header = reinterpret_cast<uint8_t*>(tcp);
  // The words that hold them: a header is a whole number of words.
  const uint32_t first = at & ~1u;
  const uint32_t covered = (at + bytes - first + 1) & ~1u;
  const uint16_t before = fold(sum_of(header + first, covered));
  change(header + at);
  tcp->checksum = updated(tcp->checksum, fold(sum_of(header + first, covered, inverse(before))));
}

// Makes no-operations of those TCP options for which `is_unwanted(option, its first byte)` says so.
template <typename IsUnwanted>
void blank_tcp_options(TcpHeader* tcp, IsUnwanted is_unwanted) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(tcp);
  for (HeaderOption option; next_option(header, tcp->header_bytes(), option);) {
    if (!is_unwanted(option, header + option.at)) continue;
    change_tcp_header(tcp, option.at, option.bytes, [&](uint8_t* at) { std::memset(at, kNoOperation, option.bytes); });
  }
}

}  // namespace shunt::dataplane
