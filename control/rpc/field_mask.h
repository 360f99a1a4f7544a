// Field masks over messages of the schema. Pure; any thread.
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>

namespace shunt::control::rpc {

// Takes the masked fields of `from` over into `to`: an empty mask means those that are set, "*" all; `kept` is a field
// that stays in any case. Returns the first path that names no field, `to` being as it was then. REQUIRES messages of
// one type.
std::optional<std::string> take_over(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
                                     const std::string& kept, google::protobuf::Message& to);

}  // namespace shunt::control::rpc
