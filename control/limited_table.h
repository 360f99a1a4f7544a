// The services with limits as a snapshot has them, by their ids, with the memory that it points into. Pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "control/limits_builder.h"
#include "dataplane/snapshot.h"

namespace shunt::control {

struct LimitedMemory {
  // Snapshot::limited; `reals` are its spans', `limits` keeps what it points to.
  std::vector<dataplane::LimitedService> services;
  std::vector<std::vector<dataplane::RealId>> reals;
  std::vector<LimitsRef> limits;

  void add(dataplane::ServiceId service, const LimitsRef& its);
  // By RealId, removed ones included; after all services.
  void take_reals(std::span<const dataplane::RealEntry> all);
};

}  // namespace shunt::control
