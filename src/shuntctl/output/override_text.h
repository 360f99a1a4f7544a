// Overrides in an operator's words. Pure functions; any thread.
#pragma once

#include <chrono>
#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::shuntctl {

// "in 4m", "over" where it has passed; "" where it is unset.
std::string time_left(const google::protobuf::Timestamp& until, std::chrono::system_clock::time_point now);
// "reset in 4m", "reset" where the deadline has passed; "" where there is none.
std::string deadline_text(const v1::DrainOverride& drain, std::chrono::system_clock::time_point now);
// What of a real's override is not to be seen from its weight: "configured weight 5, until cleared", "reset in 4m".
std::string override_text(const v1::RealState& real, std::chrono::system_clock::time_point now);

}  // namespace shunt::shuntctl
