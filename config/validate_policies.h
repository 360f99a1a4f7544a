// How a service's quorum, slow start and panic may not contradict each other and the rest of it. Pure; any thread.
#pragma once

#include <string>

#include "config/rules.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// `at`: "services[2]".
void check_policies(const v1::Service& service, const std::string& at, Problems& problems);

}  // namespace shunt::config
