// Services for ranges of ports as the workers search them: ranges that lie in others become stretches, each with the
// service of the narrowest range there. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "control/model/desired_state.h"
#include "dataplane/snapshot.h"

namespace shunt::control {

// One service's ports on one VIP.
struct PortsOf {
  PortRange ports;
  uint32_t service = 0;  // index into Snapshot::services
};

// Sorted, from port 0 on, nobody's stretches among them; neighbours differ. Of ranges of one width that cross each
// other (config/ lets none pass) the first one has what both want.
std::vector<dataplane::PortStretch> stretches_of(std::vector<PortsOf> ranges);

}  // namespace shunt::control
