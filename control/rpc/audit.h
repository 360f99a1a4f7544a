// One log line for every change that was asked for: who, what, and how it ended. Any thread.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "control/report.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

// `what`: "set weight of real web/10.0.0.1:80 to 5". Dry runs change nothing and are not logged.
void audit(const grpc::ServerContext& context, const std::string& what, const Result<ApplyOutcome>& outcome);

// A request that was refused before the controller saw it.
void audit_refusal(const grpc::ServerContext& context, const std::string& what, const std::string& why);

}  // namespace shunt::control::rpc
