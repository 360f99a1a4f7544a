#include "dataplane/client_address/proxy_header.h"

#include <string_view>

namespace shunt::dataplane {
namespace {

uint8_t* put_text(uint8_t* at, std::string_view text) noexcept {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// Without leading zeros; base 10 or 16.
uint8_t* put_number(uint8_t* at, uint32_t number, uint32_t base) noexcept {
  uint8_t digits[5];
  uint32_t count = 0;
  do {
    digits[count++] = static_cast<uint8_t>("0123456789abcdef"[number % base]);
    number /= base;
  } while (number != 0);
  while (count > 0) *at++ = digits[--count];
  return at;
}

uint8_t* put_address(uint8_t* at, Be32 address) noexcept {
  for (uint32_t shift = 24;; shift -= 8) {
    at = put_number(at, address.host() >> shift & 0xff, 10);
    if (shift == 0) return at;
    *at++ = '.';
  }
}

// The first longest run of two or more zero words, which "::" stands for (RFC 5952 section 4.2).
struct Zeros {
  uint32_t begin = 8;
  uint32_t count = 1;
};
Zeros longest_zeros(const uint16_t (&words)[8]) noexcept {
  Zeros longest;
  for (uint32_t i = 0; i < 8;) {
    uint32_t end = i;
    while (end < 8 && words[end] == 0) ++end;
    if (end - i > longest.count) longest = {i, end - i};
    i = end + 1;
  }
  return longest;
}

uint8_t* put_address(uint8_t* at, const std::array<uint8_t, 16>& address) noexcept {
  uint16_t words[8];
  for (uint32_t i = 0; i < 8; ++i) words[i] = static_cast<uint16_t>(address[2 * i] << 8 | address[2 * i + 1]);
  const Zeros zeros = longest_zeros(words);
  for (uint32_t i = 0; i < 8;) {
    if (i == zeros.begin) {
      at = put_text(at, "::");
      i += zeros.count;
      continue;
    }
    if (i > 0 && i != zeros.begin + zeros.count) *at++ = ':';
    at = put_number(at, words[i], 16);
    ++i;
  }
  return at;
}

template <typename Key>
uint32_t write_v1(const Key& request, uint8_t* to) noexcept {
  constexpr bool kIsV4 = sizeof request.source == 4;
  if constexpr (!kIsV4) {
    if (is_mapped(request.source)) return write_v1(unmapped(request), to);
  }
  uint8_t* at = put_text(to, kIsV4 ? "PROXY TCP4 " : "PROXY TCP6 ");
  at = put_text(put_address(at, request.source), " ");
  at = put_text(put_address(at, request.destination), " ");
  at = put_text(put_number(at, request.source_port.host(), 10), " ");
  at = put_text(put_number(at, request.destination_port.host(), 10), "\r\n");
  return static_cast<uint32_t>(at - to);
}

template <typename Address>
struct ProxyV2 {
  uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  uint8_t version_and_command = 0x21;  // 2, PROXY
  uint8_t family_and_protocol;
  Be16 length;  // of what follows
  Address source;
  Address destination;
  Be16 source_port;
  Be16 destination_port;
};
static_assert(sizeof(ProxyV2<Be32>) == proxy_v2_bytes(AddressFamily::kIpv4));
static_assert(sizeof(ProxyV2<std::array<uint8_t, 16>>) == proxy_v2_bytes(AddressFamily::kIpv6));

template <typename Key>
uint32_t write_v2(const Key& request, uint8_t* to) noexcept {
  using Header = ProxyV2<decltype(Key::source)>;
  constexpr uint8_t kFamily = sizeof request.source == 4 ? 0x10 : 0x20;
  Header header;
  header.family_and_protocol = kFamily | (request.protocol == kIpProtocolUdp ? 2 : 1);
  header.length = Be16::from_host(sizeof header - offsetof(Header, source));
  header.source = request.source;
  header.destination = request.destination;
  header.source_port = request.source_port;
  header.destination_port = request.destination_port;
  std::memcpy(to, static_cast<const void*>(&header), sizeof header);
  return sizeof header;
}

}  // namespace

template <typename Key>
uint32_t write_proxy(uint8_t carried, const Key& request, uint8_t* to) noexcept {
  return carried == kCarriesProxyV2 ? write_v2(request, to) : write_v1(request, to);
}

template <typename Key>
uint8_t proxy_v1_bytes(const Key& request) noexcept {
  uint8_t line[kMostProxyBytes];
  return static_cast<uint8_t>(write_v1(request, line));
}

template uint32_t write_proxy(uint8_t, const FlowKey&, uint8_t*) noexcept;
template uint32_t write_proxy(uint8_t, const FlowKey6&, uint8_t*) noexcept;
template uint8_t proxy_v1_bytes(const FlowKey&) noexcept;
template uint8_t proxy_v1_bytes(const FlowKey6&) noexcept;

}  // namespace shunt::dataplane
