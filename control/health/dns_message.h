// Just enough of DNS (RFC 1035 section 4) for a check: a query, and the code of its answer. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shunt::control {

// A query for a name (REQUIRES one that DNS can carry) in class IN, recursion desired.
std::string dns_query(std::string_view name, uint16_t type, uint16_t id);

// The answer's RCODE; nullopt: no answer to this query. Names are compared without regard to case.
std::optional<uint8_t> dns_code(std::string_view query, std::string_view answer);

// "NXDOMAIN", "code 11"
std::string dns_code_name(uint8_t code);

// "AAAA", "type 99"
std::string dns_type_name(uint16_t type);

}  // namespace shunt::control
