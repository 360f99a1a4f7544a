// JSON for programs: the API's messages as Protobuf's own JSON mapping has them, with the schema's field names and
// with fields that are zero, so that a reader need not know the defaults. Pure functions; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace shunt::shuntctl {

// Several lines, indented, ending in a newline.
std::string to_json(const google::protobuf::Message& message);
// One line, ending in a newline: a stream's element.
std::string to_json_line(const google::protobuf::Message& message);

}  // namespace shunt::shuntctl
