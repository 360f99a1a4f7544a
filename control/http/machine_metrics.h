// The part of /metrics that has no services: build, configuration, workers, ports, drops, memory.
// Any thread.
#pragma once

#include "control/http/exposition.h"
#include "control/observation.h"

namespace shunt::control::http {

void tell_machine(Exposition& out, const Overview& overview);

}  // namespace shunt::control::http
