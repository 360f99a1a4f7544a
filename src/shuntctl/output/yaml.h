// A desired state as the YAML file has it: what is written here, `apply -f` and shuntd read again to the same
// message. Pure function; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace shunt::shuntctl {

// Unset fields are left out, durations are in the file's form ("1500ms"), enum values without their prefix. Ends in a
// newline; an empty message is "{}".
std::string to_yaml(const google::protobuf::Message& message);

// The same on one line, in braces, without a newline: "{address: \"10.0.0.1\", weight: 2}".
std::string to_flow_yaml(const google::protobuf::Message& message);

}  // namespace shunt::shuntctl
