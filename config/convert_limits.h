// A service's limits, both ways. Pure functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES validated ones.
control::Limits to_limits(const v1::Limits& limits);
// Of a service of that family.
v1::Limits to_proto(const control::Limits& limits, AddressFamily family);

}  // namespace shunt::config
