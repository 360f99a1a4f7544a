// What differs between two desired states, as an operator would say it. Pure; any thread.
#pragma once

#include <vector>

#include "control/model/desired_state.h"
#include "control/report.h"

namespace shunt::control {

// The changes that make `before` into `after`: timeouts, sysctls, local addresses, services, each service with its
// reals. Services are matched by protocol, VIP and port, reals by address and port; the order in which a state
// lists them is no difference. Linear in the states' size.
std::vector<Change> differences(const DesiredState& before, const DesiredState& after);

}  // namespace shunt::control
