// From a field's path to the words an operator uses for the thing it belongs to. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "shunt/v1/config.pb.h"

namespace shunt::config {

// "services[2].reals[0].weight" -> "real 10.0.0.1:80 of service web"; a thing without a name is
// called by its path. Indices beyond the configuration are tolerated.
std::string subject_of(std::string_view field, const v1::Config& config);
std::string subject_of(std::string_view field, const v1::DesiredState& state);

}  // namespace shunt::config
