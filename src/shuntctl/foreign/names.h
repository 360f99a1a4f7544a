// Names of hosts and ports in other load balancers' listings, as this machine knows them (/etc/hosts, DNS, /etc/services).
// Asking DNS may take seconds. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shunt/v1/config.pb.h"
#include "src/base/address.h"

namespace shunt::shuntctl {

// Whether hosts' names are looked up. Names of ports always are.
enum class Lookup : uint8_t { kNone, kHosts };

// An address as it is; of a name its first address of the family. nullopt: there is none.
std::optional<IpAddress> address_of(const std::string& host, AddressFamily family, Lookup lookup);

// 0..65535, or a service's name. nullopt: neither.
std::optional<uint32_t> port_number(const std::string& text, v1::Protocol protocol);

// A whole number of decimal digits alone, at most `most`.
std::optional<uint32_t> number(const std::string& text, uint32_t most);

// "192.0.2.1:80", "web:http", "[2001:db8::1]:80", or without a port: 0. `cause` says what does not fit.
struct HostPlace {
  IpAddress address;
  uint32_t port = 0;
  bool has_port = false;
};
std::optional<HostPlace> host_port(const std::string& text, v1::Protocol protocol, Lookup lookup, std::string& cause);

}  // namespace shunt::shuntctl
