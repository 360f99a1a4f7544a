// To standard output, and failures to standard error. One thread.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

void print(std::string_view text);

// The whole answer for -o json.
void print_json(const google::protobuf::Message& message);

// With `json` as {"error":{"code","message","details":[...]}}.
void print_failure(const Failure& failure, bool json);

// Whether all that was printed also arrived: false on a full disk or a closed pipe.
bool flush_output();

}  // namespace shunt::shuntctl
