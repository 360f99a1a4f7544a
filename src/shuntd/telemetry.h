// Shunt's part of DPDK's telemetry socket: /shunt/services, /shunt/workers, /shunt/ports,
// /shunt/drops, beside what DPDK tells of its devices. `dpdk-telemetry.py -f shunt` asks there.
#pragma once

#include "control/controller.h"

namespace shunt::shuntd {

// Answers while it lives, on DPDK's threads. `controller` must outlive it. At most one at a time.
// Main thread.
class Telemetry {
 public:
  // After rte_eal_init().
  explicit Telemetry(control::Controller& controller);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace shunt::shuntd
