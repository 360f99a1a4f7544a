// Tells every worker how many connections the others have on each real (schedulers/loads.h). Control thread.
#pragma once

#include <span>

#include "dataplane/worker.h"

namespace shunt::dataplane {

// A worker, and what it reads of the others.
struct Sharer {
  Worker* worker = nullptr;
  SharedLoad* told = nullptr;  // by RealId; unused where there is one worker
};

// For reals 0..highest. REQUIRES at most kMaxWorkers.
void share_loads(std::span<const Sharer> all, RealId highest) noexcept;

}  // namespace shunt::dataplane
