// Rules of snat between the schema and the control side's form. Pure functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES validated input.
control::SnatRule to_snat_rule(const v1::SnatRule& rule);
v1::SnatRule to_proto(const control::SnatRule& rule);

}  // namespace shunt::config
