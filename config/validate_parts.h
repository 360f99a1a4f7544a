// The parts of config/validate.h, for validate.cc only: each appends problems without subjects.
#pragma once

#include "config/rules.h"
#include "config/validate.h"

namespace shunt::config {

// `names` may be null: references to the machine are taken on trust.
void check_state(const v1::DesiredState& state, const MachineNames* names, Problems& problems);

void check_application(const v1::Service& service, const std::string& at, Problems& problems);
void check_client_address(const v1::Service& service, AddressFamily family, const std::string& at, Problems& problems);
// The rules of snat, and that their pools are nobody else's. `names` as above.
void check_snat(const v1::DesiredState& state, const MachineNames* names, Problems& problems);

void check_engine(const v1::Service& service, const std::string& at, Problems& problems);
void check_sysctls(const v1::Sysctls& sysctls, Problems& problems);

void check_machine(const v1::Config& config, Problems& problems);
void check_unix_roles(const v1::UnixRoles& roles, Problems& problems);
void check_tcp_listener(const v1::TcpListener& listener, Problems& problems);
void check_next_hops(const v1::Config& config, Problems& problems);

}  // namespace shunt::config
