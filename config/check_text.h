// The little languages inside a health check's fields, read once for the validator and the converter. Pure functions;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/health_check.h"

namespace shunt::config {

// "200-299,401". nullopt: not of that form, or not within 100..599.
std::optional<std::vector<control::StatusRange>> parse_statuses(std::string_view text);
std::string to_string(const std::vector<control::StatusRange>& statuses);

// "00ff10" to bytes and back. nullopt: an odd number of digits, or something else among them.
std::optional<std::string> parse_hex(std::string_view digits);
std::string to_hex(std::string_view bytes);

// Printable ASCII throughout, so that it may stand in a header or a file as it is.
bool is_printable(std::string_view text);

// A name or address and perhaps a port, as in a Host header: printable, no space, slash or the like.
bool is_authority(std::string_view text);

// A name that DNS can carry: labels of 1..63 bytes, 253 in all, perhaps with a point at its end; or ".".
bool is_domain_name(std::string_view text);

}  // namespace shunt::config
