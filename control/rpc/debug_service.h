// The calls that explain what the daemon does with packets. Runs on gRPC's threads, many at a time.
#pragma once

#include <grpcpp/grpcpp.h>

#include "control/controller.h"
#include "shunt/v1/debug.grpc.pb.h"

namespace shunt::control::rpc {

class DebugService final : public v1::Debug::Service {
 public:
  // `controller` must outlive the service.
  explicit DebugService(Controller& controller) : controller_(controller) {}

  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override;

 private:
  Controller& controller_;
};

}  // namespace shunt::control::rpc
