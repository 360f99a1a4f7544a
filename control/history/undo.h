// What leads from a desired state back to the one before it: as small as the change was. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "control/model/desired_state.h"

namespace shunt::control {

struct Undo {
  // All but services: as they were. Of the services those alone that were otherwise or are gone.
  DesiredState before;
  // Names of the services that there were not.
  std::vector<std::string> added;
  // Names of all services in their order; empty where they are in the later state's, those that are gone last.
  std::vector<std::string> order;
  bool operator==(const Undo&) const = default;
};

// Services of `to` stay as they are.
void copy_all_but_services(const DesiredState& from, DesiredState& to);

// Linear in the states' size.
Undo undo_of(const DesiredState& before, const DesiredState& after);

// undo(after, undo_of(before, after)) == before.
DesiredState undo(DesiredState after, const Undo& way_back);

}  // namespace shunt::control
