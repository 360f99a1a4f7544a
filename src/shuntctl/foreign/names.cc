#include "src/shuntctl/foreign/names.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

#include "config/words.h"

namespace shunt::shuntctl {
namespace {

const char* word_of(v1::Protocol protocol) {
  return protocol == v1::PROTOCOL_UDP ? "udp" : protocol == v1::PROTOCOL_SCTP ? "sctp" : "tcp";
}

// Where the host ends and ":PORT" begins.
struct Split {
  std::string host;
  std::optional<std::string> port;
  bool is_bracketed = false;
};

std::optional<Split> split(const std::string& text) {
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == std::string::npos) return std::nullopt;
    Split result{text.substr(1, end - 1), std::nullopt, true};
    if (end + 1 == text.size()) return result;
    if (text[end + 1] != ':') return std::nullopt;
    result.port = text.substr(end + 2);
    return result;
  }
  // Of IPv6 without brackets all is the address.
  const size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return Split{text, std::nullopt};
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

std::optional<uint32_t> number(const std::string& text, uint32_t most) {
  if (text.empty() || text.size() > 10) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > most) return std::nullopt;
  return static_cast<uint32_t>(value);
}

std::optional<IpAddress> address_of(const std::string& host, AddressFamily family, Lookup lookup) {
  if (const auto address = IpAddress::parse(host)) return address;
  // No name: what resolvers make of "1" or "10.1" is an address that nobody meant.
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  if (lookup == Lookup::kNone || host.empty() || host.size() > 253 || is_number || host.find(':') != std::string::npos) return std::nullopt;
  addrinfo wanted{};
  wanted.ai_family = family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0 || found == nullptr) return std::nullopt;
  IpAddress address;
  if (found->ai_family == AF_INET) {
    address = IpAddress::from_v4(Be32{reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr.s_addr});
  } else {
    address = IpAddress::from_v6(&reinterpret_cast<const sockaddr_in6*>(found->ai_addr)->sin6_addr);
  }
  freeaddrinfo(found);
  return address;
}

std::optional<uint32_t> port_number(const std::string& text, v1::Protocol protocol) {
  if (const auto port = number(text, 65535)) return port;
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) != 0) return std::nullopt;
  servent entry{};
  servent* found = nullptr;
  char room[4096];
  if (getservbyname_r(text.c_str(), word_of(protocol), &entry, room, sizeof room, &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return ntohs(static_cast<uint16_t>(found->s_port));
}

std::optional<HostPlace> host_port(const std::string& text, v1::Protocol protocol, Lookup lookup, std::string& cause) {
  const auto parts = split(text);
  if (!parts) {
    cause = config::in_quotes(text) + " has no such form as 192.0.2.1:80 or [2001:db8::1]:80";
    return std::nullopt;
  }
  HostPlace result;
  const auto address = address_of(parts->host, parts->is_bracketed ? AddressFamily::kIpv6 : AddressFamily::kIpv4, lookup);
  if (!address) {
    cause = config::in_quotes(parts->host) + (lookup == Lookup::kNone ? " is no address" : " is neither an address nor the name of a host that this machine knows");
    return std::nullopt;
  }
  result.address = *address;
  if (!parts->port) return result;
  const auto port = port_number(*parts->port, protocol);
  if (!port) {
    cause = config::in_quotes(*parts->port) + " is neither a port, 0..65535, nor in /etc/services for " + word_of(protocol);
    return std::nullopt;
  }
  result.port = *port;
  result.has_port = true;
  return result;
}

}  // namespace shunt::shuntctl
