// Errors as gRPC carries them. Pure functions; any thread.
#pragma once

#include <grpcpp/support/status.h>

#include <vector>

#include "config/problem.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

// The code's gRPC counterpart: kConflict is ABORTED, kInvalid INVALID_ARGUMENT, and so on; NOT_FOUND and ABORTED with
// their reason in the details.
grpc::Status to_status(const Error& error);

// One problem with a code of its own.
grpc::Status to_status(grpc::StatusCode code, const config::Problem& problem);

// INVALID_ARGUMENT with a line for each problem and, in the details, an ErrorDetail for each, packed in a
// v1::ErrorStatus. Both stop where the 8 KiB of metadata that every client takes would be exceeded; the message then
// ends in how many are left out. REQUIRES at least one problem.
grpc::Status to_status(const std::vector<config::Problem>& problems);

}  // namespace shunt::control::rpc
