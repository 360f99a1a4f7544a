// Every rule of proto/shunt/v1/config.proto's comments, and the contradictions that an operator
// could write. What passes here can be converted (config/convert.h) and run. O(n log n); pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/problem.h"
#include "control/model/machine.h"
#include "shunt/v1/config.pb.h"
#include "src/base/address.h"

namespace shunt::config {

// What a desired state may refer to, or must not take, on the machine that runs it.
struct MachineNames {
  std::set<std::string> ports;
  // Those of them whose kernel port is not disabled.
  std::set<std::string> kernel_ports;
  // Carries what names no kernel port; empty: there is none.
  std::string first_kernel_port;
  // Ports whose MTU is too small for IPv6, with it.
  std::map<std::string, uint32_t> narrow_ports;
  // The kernel ports' own addresses: neither reals nor local addresses.
  std::set<IpAddress> kernel_addresses;
};

MachineNames names_of(const control::Machine& machine);

// A whole configuration. Empty: it is valid.
std::vector<Problem> validate(const v1::Config& config);

// What Apply carries.
std::vector<Problem> validate_desired_state(const v1::DesiredState& state,
                                            const MachineNames& names);

// The same without knowing the machine: what refers to it is taken on trust.
std::vector<Problem> validate_desired_state(const v1::DesiredState& state);

}  // namespace shunt::config
