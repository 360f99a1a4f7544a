// How a service's reals are told who the client is, both ways. Pure functions; any thread.
#pragma once

#include "control/model/desired_state.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

// REQUIRES a validated service.
void to_client_address(const v1::Service& service, control::Service& out);
void put_client_address(const control::Service& service, v1::Service& out);

}  // namespace shunt::config
