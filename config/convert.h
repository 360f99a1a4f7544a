// Between the schema's messages and the control side's plain values. Everything that takes a
// message REQUIRES validated input (config/validate.h) and fills in the schema's defaults. Pure
// functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "control/model/machine.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

control::Machine to_machine(const v1::Config& config);

control::DesiredState to_desired_state(const v1::Config& config);
control::DesiredState to_desired_state(const v1::DesiredState& state);
control::Sysctls to_sysctls(const v1::Sysctls& sysctls);

// Defaults are written out, but for timeouts that are unset and sysctls that are all as at first.
// to_desired_state(to_proto(x)) == x.
v1::DesiredState to_proto(const control::DesiredState& state);

control::Timeouts to_timeouts(const v1::Timeouts& timeouts);
void put_timeouts(const control::Timeouts& timeouts, v1::Timeouts& out);

v1::Protocol to_proto(control::Protocol protocol);
v1::Scheduler to_proto(control::SchedulerKind scheduler);
v1::SchedulerFlags to_proto(const control::SchedulerFlags& flags, control::SchedulerKind scheduler);
// With the prefix of that family.
v1::Persistence to_proto(const control::Persistence& persistence, AddressFamily family);
v1::NoReal to_proto(control::NoReal no_real);
v1::Method to_proto(control::Method method);
v1::Vip to_proto(const control::Vip& vip);
v1::Match to_proto(const control::Match& match);
v1::Sysctls to_proto(const control::Sysctls& sysctls);
v1::Tunnel to_proto(const control::Tunnel& tunnel);

// The part of a file that Apply takes. No validation needed.
v1::DesiredState desired_part(const v1::Config& config);

}  // namespace shunt::config
