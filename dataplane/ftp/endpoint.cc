#include "dataplane/ftp/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace shunt::dataplane {
namespace {

bool is_digit(uint8_t byte) noexcept { return byte >= '0' && byte <= '9'; }

// Reads on from `at` to the text's end.
struct Reader {
  std::span<const uint8_t> text;
  uint32_t at = 0;

  bool is_at_end() const noexcept { return at >= text.size(); }
  bool take(uint8_t byte) noexcept {
    if (is_at_end() || text[at] != byte) return false;
    ++at;
    return true;
  }
  void skip_blanks() noexcept {
    while (take(' ')) {
    }
  }
  // Nothing but blanks and the line's end.
  bool is_over() noexcept {
    skip_blanks();
    while (take('\r')) {
    }
    take('\n');
    return is_at_end();
  }
  // `strict`: no zeros in front, which some read as octal.
  std::optional<uint32_t> number(uint32_t most, bool strict) noexcept {
    const uint32_t begin = at;
    uint32_t value = 0;
    for (; !is_at_end() && is_digit(text[at]); ++at) {
      if (at - begin == 5) return std::nullopt;
      value = value * 10 + (text[at] - '0');
    }
    const uint32_t digits = at - begin;
    if (digits == 0 || value > most || (strict && digits > 1 && text[begin] == '0')) return std::nullopt;
    return value;
  }
};

// h1,h2,h3,h4,p1,p2
std::optional<FtpArgument> six_numbers(Reader& reader, bool strict) noexcept {
  FtpArgument found{{}, reader.at, 0};
  uint8_t bytes[6];
  for (uint32_t i = 0; i < 6; ++i) {
    if (i != 0 && !reader.take(',')) return std::nullopt;
    const auto value = reader.number(255, strict);
    if (!value) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(*value);
  }
  std::copy_n(bytes, 4, found.endpoint.address.bytes.begin());
  found.endpoint.port = Be16::from_host(static_cast<uint16_t>(bytes[4] << 8 | bytes[5]));
  found.end = reader.at;
  return found;
}

std::optional<FtpArgument> find_port(std::span<const uint8_t> text) noexcept {
  Reader reader{text};
  reader.skip_blanks();
  const auto found = six_numbers(reader, true);
  return found && reader.is_over() ? found : std::nullopt;
}

// "Entering Passive Mode (10,0,0,1,200,13).", with or without parentheses: from the first digit on.
std::optional<FtpArgument> find_passive(std::span<const uint8_t> text) noexcept {
  Reader reader{text};
  while (!reader.is_at_end() && !is_digit(text[reader.at])) ++reader.at;
  return six_numbers(reader, false);
}

bool may_delimit(uint8_t byte) noexcept { return byte > ' ' && byte < 127 && !is_digit(byte); }

std::optional<IpAddress> parse_address(uint32_t family, std::span<const uint8_t> text) noexcept {
  char copy[INET6_ADDRSTRLEN] = {};
  // inet_pton() stops at a zero, others may not.
  if (text.size() >= sizeof copy || std::find(text.begin(), text.end(), uint8_t{0}) != text.end()) return std::nullopt;
  std::copy(text.begin(), text.end(), copy);
  IpAddress address;
  address.family = family == 1 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  if (inet_pton(family == 1 ? AF_INET : AF_INET6, copy, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

// |1|10.0.0.1|51213| or |2|2001:db8::1|51213|
std::optional<FtpArgument> find_extended_port(std::span<const uint8_t> text) noexcept {
  Reader reader{text};
  reader.skip_blanks();
  FtpArgument found{{}, reader.at, 0};
  if (reader.is_at_end() || !may_delimit(text[reader.at])) return std::nullopt;
  const uint8_t delimiter = text[reader.at++];
  const auto family = reader.number(2, true);
  if (!family || *family == 0 || !reader.take(delimiter)) return std::nullopt;
  const uint32_t begin = reader.at;
  while (!reader.is_at_end() && text[reader.at] != delimiter) ++reader.at;
  const auto address = parse_address(*family, text.subspan(begin, reader.at - begin));
  if (!address || !reader.take(delimiter)) return std::nullopt;
  const auto port = reader.number(UINT16_MAX, true);
  if (!port || !reader.take(delimiter)) return std::nullopt;
  found = {{*address, Be16::from_host(static_cast<uint16_t>(*port))}, found.begin, reader.at, static_cast<char>(delimiter)};
  return reader.is_over() ? std::optional(found) : std::nullopt;
}

// "Entering Extended Passive Mode (|||51213|)": what is said is the port alone.
std::optional<FtpArgument> find_extended_passive(std::span<const uint8_t> text) noexcept {
  Reader reader{text};
  while (!reader.is_at_end() && text[reader.at] != '(') ++reader.at;
  if (!reader.take('(') || reader.is_at_end() || !may_delimit(text[reader.at])) return std::nullopt;
  const uint8_t delimiter = text[reader.at];
  for (int i = 0; i < 3; ++i) {
    if (!reader.take(delimiter)) return std::nullopt;
  }
  FtpArgument found{{}, reader.at, 0, static_cast<char>(delimiter)};
  const auto port = reader.number(UINT16_MAX, false);
  found.end = reader.at;
  if (!port || !reader.take(delimiter) || !reader.take(')')) return std::nullopt;
  found.endpoint.port = Be16::from_host(static_cast<uint16_t>(*port));
  return found;
}

uint8_t* write_number(uint32_t value, uint8_t* to) noexcept {
  uint8_t digits[5];
  uint32_t count = 0;
  do digits[count++] = static_cast<uint8_t>('0' + value % 10);
  while ((value /= 10) != 0);
  return std::reverse_copy(digits, digits + count, to);
}

uint8_t* write_six(const FtpEndpoint& endpoint, uint8_t* to) noexcept {
  for (uint32_t i = 0; i < 4; ++i) {
    to = write_number(endpoint.address.bytes[i], to);
    *to++ = ',';
  }
  to = write_number(endpoint.port.host() >> 8, to);
  *to++ = ',';
  return write_number(endpoint.port.host() & 0xff, to);
}

uint8_t* write_extended(uint8_t delimiter, const FtpEndpoint& endpoint, uint8_t* to) noexcept {
  const bool is_v4 = endpoint.address.is_v4();
  *to++ = delimiter;
  *to++ = is_v4 ? '1' : '2';
  *to++ = delimiter;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4 ? AF_INET : AF_INET6, endpoint.address.bytes.data(), text, sizeof text);
  const size_t bytes = std::strlen(text);
  std::memcpy(to, text, bytes);
  to += bytes;
  *to++ = delimiter;
  to = write_number(endpoint.port.host(), to);
  *to++ = delimiter;
  return to;
}

}  // namespace

std::optional<FtpArgument> find_endpoint(FtpLine line, std::span<const uint8_t> text) noexcept {
  switch (line) {
    case FtpLine::kPort: return find_port(text);
    case FtpLine::kEprt: return find_extended_port(text);
    case FtpLine::kPassive: return find_passive(text);
    case FtpLine::kExtendedPassive: return find_extended_passive(text);
  }
  return std::nullopt;
}

uint32_t write_endpoint(FtpLine line, char delimiter, const FtpEndpoint& endpoint, uint8_t* to) noexcept {
  const uint8_t* const begin = to;
  switch (line) {
    case FtpLine::kPort:
    case FtpLine::kPassive: to = write_six(endpoint, to); break;
    case FtpLine::kEprt: to = write_extended(static_cast<uint8_t>(delimiter), endpoint, to); break;
    case FtpLine::kExtendedPassive: to = write_number(endpoint.port.host(), to); break;
  }
  return static_cast<uint32_t>(to - begin);
}

void disarm(std::span<uint8_t> text) noexcept {
  for (uint8_t& byte : text) {
    if (is_digit(byte)) byte = '0';
  }
}

}  // namespace shunt::dataplane
