// Health checks between the schema and plain values: a part of config/convert.h.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES a validated service. Its check, with the schema's defaults.
control::HealthCheck to_health_check(const v1::Service& service);

// Defaults are written out, but for a plain TCP connect.
void put_health_check(const control::HealthCheck& check, v1::HealthCheck& out);

}  // namespace shunt::config
