// The calls that explain what the daemon does with packets. Runs on gRPC's threads, many at a time.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>

#include "control/controller.h"
#include "shunt/v1/debug.grpc.pb.h"

namespace shunt::control::rpc {

class DebugService final : public v1::Debug::Service {
 public:
  // `controller` must outlive the service.
  explicit DebugService(Controller& controller) : controller_(controller) {}

  // Streams end soon after.
  void stop() noexcept { stopping_ = true; }

  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override;
  grpc::Status Trace(grpc::ServerContext* context, const v1::TraceRequest* request,
                     grpc::ServerWriter<v1::TraceResponse>* writer) override;
  grpc::Status Capture(grpc::ServerContext* context, const v1::CaptureRequest* request,
                       grpc::ServerWriter<v1::CaptureResponse>* writer) override;
  grpc::Status Doctor(grpc::ServerContext* context, const v1::DoctorRequest* request,
                      v1::DoctorResponse* response) override;

 private:
  Controller& controller_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace shunt::control::rpc
