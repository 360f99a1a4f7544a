// Lengths of time as people write them ("1500ms", "5s", "2m", "1h", "1d") and as Protobuf carries
// them. The control side counts whole milliseconds. Pure functions; any thread.
#pragma once

#include <google/protobuf/duration.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shunt::config {

// nullopt: not a whole number followed by ms, s, m, h or d, or beyond 10,000 years.
std::optional<int64_t> parse_duration_ms(std::string_view text);

// nullopt: malformed (signs differ, a second or more of nanoseconds) or not in whole milliseconds.
std::optional<int64_t> to_ms(const google::protobuf::Duration& duration);

google::protobuf::Duration to_duration(int64_t ms);

// The shortest exact form: "90s", "2m", "1500ms".
std::string format_duration_ms(int64_t ms);

}  // namespace shunt::config
