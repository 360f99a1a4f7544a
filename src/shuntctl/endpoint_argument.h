// "192.0.2.10:80", "[2001:db8::1]:80" as an argument. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace shunt::shuntctl {

struct Endpoint {
  std::string address;
  uint32_t port = 0;

  // nullopt: it has no such form. Whether the address is one is the daemon's to say.
  static std::optional<Endpoint> parse(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || text.size() - colon > 6) return {};
    Endpoint result{text.substr(0, colon), 0};
    for (size_t i = colon + 1; i < text.size(); ++i) {
      if (text[i] < '0' || text[i] > '9') return {};
      result.port = result.port * 10 + static_cast<uint32_t>(text[i] - '0');
    }
    const bool is_bracketed = result.address.front() == '[' && result.address.back() == ']';
    if (is_bracketed) result.address = result.address.substr(1, result.address.size() - 2);
    else if (result.address.find(':') != std::string::npos) return {};  // of IPv6, where does the port begin?
    return result;
  }
};

}  // namespace shunt::shuntctl
