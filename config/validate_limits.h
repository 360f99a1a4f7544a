// What a service's limits may say. A part of config/validate.h, for validate_state.cc only: appends problems without
// subjects.
#pragma once

#include <optional>
#include <string>

#include "config/rules.h"
#include "config/validate_places.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// `at`: the service's path. `family` nullopt: it cannot be told.
void check_limits(const v1::Service& service, const std::optional<ServiceFamily>& family, const std::string& at,
                  Problems& problems);

}  // namespace shunt::config
