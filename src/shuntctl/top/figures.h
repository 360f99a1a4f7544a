// What a stream of figures means for a list of services that was asked for earlier. Pure functions.
#pragma once

#include "shunt/v1/api.pb.h"

namespace shunt::shuntctl {

// Puts newer figures into the list: connections, rates, effective weights. A service or real of
// which the look has none keeps its own.
void lay_over(const v1::Stats& look, v1::ListServicesResponse& services);

// Whether the look tells of other states than the list: what is up, draining, removed or there.
bool contradicts(const v1::Stats& look, const v1::ListServicesResponse& services);

}  // namespace shunt::shuntctl
