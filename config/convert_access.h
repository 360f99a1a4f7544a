// Access lists, and whom a service takes, both ways. Pure functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES validated ones.
control::AccessList to_access_list(const v1::AccessList& list);
control::Access to_access(const v1::Access& access);
control::Refusal to_refusal(v1::Refusal refusal);

v1::AccessList to_proto(const control::AccessList& list);
v1::Access to_proto(const control::Access& access);
v1::Refusal to_proto(control::Refusal refusal);

}  // namespace shunt::config
