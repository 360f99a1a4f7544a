// The ranges that proto/shunt/v1/config.proto states in comments, as a table that the YAML decoder
// (for "0 is not a value") and the validator (for every source) share. Constant after first use;
// any thread.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>

namespace shunt::config {

struct Limits {
  // Durations in milliseconds.
  uint64_t min = 0;
  uint64_t max = 0;
  // What helps a person whose value is too big, beyond the range itself; may be empty.
  const char* if_too_big = "";
};

// The range of an integer or duration field; nullptr: the type's own.
const Limits* limits_of(const google::protobuf::FieldDescriptor* field);

// "use 1..65535", "use 1ms..24d".
std::string range_remedy(const google::protobuf::FieldDescriptor* field, const Limits& limits);

inline constexpr uint64_t kMillisecondsPerDay = 24ULL * 3600 * 1000;

}  // namespace shunt::config
