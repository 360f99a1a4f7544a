// One YAML scalar into one field, by the field's type. What YAML leaves open (is `yes` a truth, is
// `010` eight?) the schema decides here: text fields take what was written, the others only their
// one plain form. Any thread.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_tree.h"

namespace shunt::config {

// Why a scalar does not fit its field: the last three parts of a Problem.
struct Misfit {
  const char* reason;
  std::string cause;
  std::string remedy;
};

// Sets the field, or adds to it when it is repeated. REQUIRES a scalar node and a field that is no
// message but google.protobuf.Duration. A misfit leaves the message as it was, but for an empty
// entry of a repeated field.
std::optional<Misfit> put_scalar(const YamlNode& node,
                                 const google::protobuf::FieldDescriptor* field,
                                 google::protobuf::Message& message);

// "tcp", "udp": the values that an enum's field may have, as YAML writes them.
std::vector<std::string> enum_words(const google::protobuf::FieldDescriptor* field);

bool is_duration(const google::protobuf::FieldDescriptor* field);

}  // namespace shunt::config
