// What requests ask of overrides, and what is told of them. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "config/problem.h"
#include "control/controller.h"
#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {

// Adds to `problems` what is wrong with the request; `by`: who asks.
OverrideTerms terms_of(const v1::SetWeightRequest& request, const std::string& by,
                       std::vector<config::Problem>& problems);
DrainTerms terms_of(const v1::DrainRequest& request, const std::string& by, std::vector<config::Problem>& problems);

// For the audit log: " for 1h", " until 5m have passed, then reset".
std::string in_words(const OverrideTerms& terms);
std::string in_words(const DrainTerms& terms);

v1::RealOverride to_proto(const OverrideReport& report);
v1::WeightOverride to_proto(const WeightOverride& weight);
v1::DrainOverride to_proto(const DrainOverride& drain);

}  // namespace shunt::control::rpc
