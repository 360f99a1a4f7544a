#include "config/real_name.h"

#include <charconv>
#include <string_view>

#include "config/defaults.h"
#include "src/base/address.h"

namespace shunt::config {

std::string endpoint(const std::string& address, uint32_t port) {
  const auto parsed = IpAddress::parse(address);
  const std::string text = parsed ? parsed->to_string() : address;
  const bool bracketed = text.find(':') != std::string::npos;
  return (bracketed ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

std::string canonical_real_name(const std::string& name) {
  const size_t colon = name.rfind(':');
  if (colon == std::string::npos) return name;
  std::string_view address = std::string_view(name).substr(0, colon);
  const std::string_view digits = std::string_view(name).substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
  if (error != std::errc{} || end != digits.end()) return name;
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  const auto parsed = IpAddress::parse(address);
  // An IPv6 address without brackets might as well end in what looks like its port.
  if (!parsed || parsed->is_v4() == bracketed) return name;
  return endpoint(parsed->to_string(), port);
}

std::string name_of(const v1::Real& real, const v1::Service& service) {
  if (!real.name().empty() || real.address().empty()) return canonical_real_name(real.name());
  return endpoint(real.address(), port_of(real, service));
}

}  // namespace shunt::config
