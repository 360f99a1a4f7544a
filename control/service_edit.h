// A change of some services of a desired state, the rest staying as it is: it costs what it names, not what there is. Pure;
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "control/identity.h"
#include "control/model/desired_state.h"
#include "control/report.h"
#include "src/base/result.h"

namespace shunt::control {

struct StateCodec;

struct ServiceEdit {
  // Names; those that there are not do no harm. They go first.
  std::vector<std::string> removed;
  // As they should be: one of a name that there is takes that one's place, others go behind all, in this order.
  std::vector<Service> set;
};

// What a state has of the services that are asked for, and all that is not services.
struct PartOfState {
  uint64_t revision = 0;
  DesiredState state;
  // Of each of its services, the place in the whole state.
  std::vector<uint32_t> places;
  // Services of the whole state.
  size_t services = 0;
};

// Services that an edit may contradict: whom to look for in the whole state.
struct Neighbourhood {
  // Addresses that edited services have: theirs, and their reals'.
  std::unordered_set<IpAddress, KeyHash> vips;
  std::unordered_set<IpAddress, KeyHash> reals;
  // Those with a match, too.
  bool matches = false;
  bool empty() const noexcept { return vips.empty() && reals.empty() && !matches; }
};
// Whether a rule about several services can be about this one and an edited one: one has the other's VIP, or a real of
// the other as its VIP; or both have the same real over UDP, whose replies have to be told apart.
bool is_near(const Service& service, const Neighbourhood& around);

// Makes the edits, one after the other.
void make_edits(const std::vector<ServiceEdit>& edits, DesiredState& state);
// The edit that makes `before` into `after`, which have all but services in common; nullopt: it takes more, since services
// that both have stand in another order.
std::optional<ServiceEdit> edit_between(const DesiredState& before, DesiredState after);
// They differ in nothing but weights and thresholds of reals, which neither checks nor addresses follow.
bool differ_in_weights_alone(const std::vector<Service>& before, const std::vector<Service>& after);

// As the journal keeps them.
std::string to_bytes(const ServiceEdit& edit, const StateCodec& codec);
Result<ServiceEdit> edit_in(std::string_view bytes, const StateCodec& codec);

}  // namespace shunt::control
