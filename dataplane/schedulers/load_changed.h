// What schedulers must hear of a connection's life. Worker only.
#pragma once

#include "dataplane/worker.h"

namespace shunt::dataplane {

// To be called after every change of the real's active or inactive count: the next pick sees it. One comparison where
// the real's scheduler does not go by load.
inline void load_changed(Worker& worker, RealId real) noexcept {
  if (worker.real_counters[real.index].place.leaf != 0) worker.load_trees.update(real, worker.loads());
}

}  // namespace shunt::dataplane
