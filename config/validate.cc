#include "config/validate.h"

#include "config/convert.h"
#include "config/defaults.h"
#include "config/subject.h"
#include "config/validate_parts.h"

namespace shunt::config {
namespace {

template <typename Root>
Problems with_subjects(Problems problems, const Root& root) {
  for (Problem& problem : problems) problem.subject = subject_of(problem.field, root);
  return problems;
}

// From a file that may be wrong elsewhere: what cannot be read is somebody else's problem.
MachineNames names_of(const v1::Config& config) {
  MachineNames names;
  for (const v1::Port& port : config.ports()) {
    names.ports.insert(port.name());
    if (const uint32_t mtu = mtu_below_ipv6(port)) names.narrow_ports.emplace(port.name(), mtu);
    if (port.kernel_port().disabled()) continue;
    names.kernel_ports.insert(port.name());
    if (names.first_kernel_port.empty()) names.first_kernel_port = port.name();
    for (const std::string& text : port.kernel_port().addresses()) {
      if (const auto parsed = InterfaceAddress::parse(text))
        names.kernel_addresses.insert(parsed->address);
    }
  }
  return names;
}

}  // namespace

MachineNames names_of(const control::Machine& machine) {
  MachineNames names;
  for (const control::Port& port : machine.ports) {
    names.ports.insert(port.name);
    if (port.mtu < kLeastIpv6Mtu) names.narrow_ports.emplace(port.name, port.mtu);
    if (!port.kernel_port.enabled) continue;
    names.kernel_ports.insert(port.name);
    if (names.first_kernel_port.empty()) names.first_kernel_port = port.name;
    for (const InterfaceAddress& address : port.kernel_port.addresses)
      names.kernel_addresses.insert(address.address);
  }
  return names;
}

std::vector<Problem> validate(const v1::Config& config) {
  Problems problems;
  check_values(config, problems);
  check_machine(config, problems);
  const MachineNames names = names_of(config);
  check_state(desired_part(config), &names, problems);
  return with_subjects(std::move(problems), config);
}

std::vector<Problem> validate_desired_state(const v1::DesiredState& state,
                                            const MachineNames& names) {
  Problems problems;
  check_values(state, problems);
  check_state(state, &names, problems);
  return with_subjects(std::move(problems), state);
}

std::vector<Problem> validate_desired_state(const v1::DesiredState& state) {
  Problems problems;
  check_values(state, problems);
  check_state(state, nullptr, problems);
  return with_subjects(std::move(problems), state);
}

}  // namespace shunt::config
