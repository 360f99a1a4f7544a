#include "dataplane/client_address/proxy_header.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;
using test::v4;

std::string line_of(const auto& request) {
  uint8_t room[kMostProxyBytes];
  const uint8_t carried = proxy_v1_bytes(request);
  EXPECT_TRUE(is_proxy(carried));
  const uint32_t bytes = write_proxy(carried, request, room);
  EXPECT_EQ(bytes, proxy_bytes(carried, AddressFamily::kIpv4));
  return {reinterpret_cast<const char*>(room), bytes};
}

FlowKey key(const char* source, const char* destination, uint16_t from, uint16_t to) {
  return {v4(source), v4(destination), Be16::from_host(from), Be16::from_host(to), 6};
}
FlowKey6 key6(const char* source, const char* destination, uint16_t from, uint16_t to) {
  return {ip(source).bytes, ip(destination).bytes, Be16::from_host(from), Be16::from_host(to), 6};
}

TEST(ProxyHeader, FirstVersionIsALine) {
  EXPECT_EQ(line_of(key("198.51.100.7", "203.0.113.10", 40000, 80)), "PROXY TCP4 198.51.100.7 203.0.113.10 40000 80\r\n");
  EXPECT_EQ(line_of(key("0.0.0.0", "255.255.255.255", 0, 65535)), "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n");
  EXPECT_EQ(line_of(key6("::", "::", 1, 1)), "PROXY TCP6 :: :: 1 1\r\n");
  EXPECT_EQ(line_of(key6("2001:db8::7", "2001:db8:1::10", 40000, 443)), "PROXY TCP6 2001:db8::7 2001:db8:1::10 40000 443\r\n");
  const char* longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  EXPECT_EQ(line_of(key6(longest, longest, 65535, 65535)).size(), 104u);
}

// Each mask of zero words: the text is what the C library reads as the same address, and no longer than it writes.
TEST(ProxyHeader, Ipv6AddressesAreWrittenInShort) {
  for (uint32_t mask = 0; mask < 256; ++mask) {
    std::array<uint8_t, 16> address{};
    for (uint32_t word = 0; word < 8; ++word) {
      if ((mask >> word & 1) != 0) address[2 * word + 1] = static_cast<uint8_t>(0xa0 + word);
      if ((mask >> word & 1) != 0 && word % 2 == 0) address[2 * word] = 0x2f;
    }
    FlowKey6 request = key6("::", "::", 1, 2);
    request.source = address;
    const std::string line = line_of(request);
    const std::string text = line.substr(11, line.find(' ', 11) - 11);
    std::array<uint8_t, 16> read{};
    ASSERT_EQ(inet_pton(AF_INET6, text.c_str(), read.data()), 1) << text;
    EXPECT_EQ(read, address) << text;
    char library[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.data(), library, sizeof library);
    if (std::string(library).find('.') == std::string::npos) {  // it writes some as IPv4's
      EXPECT_EQ(text, library);
    }
  }
}

TEST(ProxyHeader, SecondVersionIsBinary) {
  const std::vector<uint8_t> signature = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10};
  uint8_t room[kMostProxyBytes];
  FlowKey request = key("198.51.100.7", "203.0.113.10", 40000, 80);
  auto expected = signature;
  for (const int each : {0x21, 0x11, 0, 12, 198, 51, 100, 7, 203, 0, 113, 10, 0x9c, 0x40, 0, 80}) expected.push_back(static_cast<uint8_t>(each));
  EXPECT_EQ(std::vector<uint8_t>(room, room + write_proxy(kCarriesProxyV2, request, room)), expected);
  request.protocol = 17;
  expected[13] = 0x12;
  EXPECT_EQ(std::vector<uint8_t>(room, room + write_proxy(kCarriesProxyV2, request, room)), expected);

  FlowKey6 request6 = key6("2001:db8::7", "2001:db8:1::10", 40000, 80);
  expected = signature;
  for (const int each : {0x21, 0x21, 0, 36}) expected.push_back(static_cast<uint8_t>(each));
  expected.insert(expected.end(), request6.source.begin(), request6.source.end());
  expected.insert(expected.end(), request6.destination.begin(), request6.destination.end());
  for (const int each : {0x9c, 0x40, 0, 80}) expected.push_back(static_cast<uint8_t>(each));
  EXPECT_EQ(std::vector<uint8_t>(room, room + write_proxy(kCarriesProxyV2, request6, room)), expected);
  request6.protocol = 17;
  expected[13] = 0x22;
  EXPECT_EQ(std::vector<uint8_t>(room, room + write_proxy(kCarriesProxyV2, request6, room)), expected);
}

}  // namespace
}  // namespace shunt::dataplane
