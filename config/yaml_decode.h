// A YAML tree into any message of the schema, through Protobuf's descriptors: a new field needs no
// line here. Reports everything that does not fit and goes on. Thread-compatible.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_tree.h"

namespace shunt::config {

struct Decoded {
  // In the file's order; Problem::subject is still empty.
  std::vector<Problem> problems;
  // Why decoding stopped early: too many problems, or a file that stands for too much. The message
  // is then incomplete.
  std::optional<Problem> stopped;
  // Fields that were written but not understood: what a validator says of them, or of what lies
  // below them, is a consequence of a problem already told. Sorted.
  std::vector<std::string> unusable_fields;
};

// More problems than this help nobody.
inline constexpr size_t kMaxProblems = 1000;

// Lists keep their length: an entry that does not fit becomes an empty message, so that the paths
// of the message are the paths of the file.
Decoded decode(const YamlEntry& root, google::protobuf::Message& message);

// Where the file has the field, or the nearest thing around it that the file has.
Place place_of(const YamlEntry& root, std::string_view field);

}  // namespace shunt::config
