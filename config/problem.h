// What is wrong with a configuration, for a person and for a program. Plain values; any thread.
#pragma once

#include <string>
#include <string_view>

namespace shunt::config {

// The stable words of Problem::reason; the API passes them on as they are.
namespace reason {
inline constexpr const char* kOutOfRange = "OUT_OF_RANGE";
inline constexpr const char* kDuplicate = "DUPLICATE";
inline constexpr const char* kRequired = "REQUIRED";
inline constexpr const char* kMalformed = "MALFORMED";
inline constexpr const char* kUnknownReference = "UNKNOWN_REFERENCE";
inline constexpr const char* kUnsupported = "UNSUPPORTED";
inline constexpr const char* kConflict = "CONFLICT";
inline constexpr const char* kUnknownField = "UNKNOWN_FIELD";
// Of requests, not of configurations.
inline constexpr const char* kNotFound = "NOT_FOUND";
inline constexpr const char* kAlreadyExists = "ALREADY_EXISTS";
inline constexpr const char* kRevisionConflict = "REVISION_CONFLICT";
}  // namespace reason

// Where something stands in a file: 1-based, the column in bytes. Line 0: nowhere.
struct Place {
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const = default;
};

struct Problem {
  // "services[2].reals[0].weight"; empty when it is about the file as a whole.
  std::string field;
  // Whom it is about, in the operator's words: "real 10.0.0.1:80 of service web".
  std::string subject;
  // One of reason::.
  std::string reason;
  // What is wrong, with the value: "weight 90000 exceeds 65535".
  std::string cause;
  // What to do about it, as an order.
  std::string remedy;
  // Set for problems of a file.
  Place place;
  // The group's field in which something is missed, where that is the cause: if something stands there and cannot be
  // used, that alone is told.
  std::string missed_in;
};

// "lb.yaml:14:9: subject: cause; remedy", or "field: cause; remedy" where there is no place.
std::string to_string(const Problem& problem, std::string_view file);

}  // namespace shunt::config
