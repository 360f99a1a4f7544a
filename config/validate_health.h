// What a service's health check must have. A part of config/validate.h, for validate_state.cc only: appends problems
// without subjects.
#pragma once

#include <string>

#include "config/rules.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// `at` is the service's path.
void check_health_check(const v1::Service& service, const std::string& at, Problems& problems);

}  // namespace shunt::config
