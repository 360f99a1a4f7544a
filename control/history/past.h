// What the history tells: plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "control/history/history.h"
#include "control/model/desired_state.h"

namespace shunt::control {

struct HistoryReport {
  uint64_t current = 0;
  // Newest first.
  std::vector<Revision> revisions;
  // Of the oldest whose state can be brought back.
  uint64_t oldest_restorable = 0;
};

struct PastRevision {
  Revision revision;
  // All changes, where the states before and after it are known, else those that `revision` lists.
  std::vector<Change> changes;
};

struct PastState {
  // The current revision when it was asked for.
  uint64_t current = 0;
  DesiredState state;
};

}  // namespace shunt::control
