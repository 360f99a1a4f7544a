// Quorum, slow start and panic of a service, both ways. Pure functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES a validated service.
void to_policies(const v1::Service& service, control::Service& out);
void put_policies(const control::Service& service, v1::Service& out);

v1::Quorum to_proto(const control::Quorum& quorum);

}  // namespace shunt::config
