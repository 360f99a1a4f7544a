// Calls of the API over a channel, for those who ask by what door they come and whether it lets them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>

#include "shunt/v1/api.grpc.pb.h"

namespace shunt::control::rpc {

using Stub = v1::Shunt::Stub;

template <typename Request, typename Response>
grpc::Status call(const std::shared_ptr<grpc::Channel>& channel,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                  Response&& response = {}) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  Stub stub(channel);
  return (stub.*method)(&context, request, &response);
}

// One for each role: what viewers, operators and admins may.
inline grpc::Status get_status(const std::shared_ptr<grpc::Channel>& channel) {
  return call(channel, &Stub::GetStatus, v1::GetStatusRequest(), v1::Status());
}
inline grpc::Status drain(const std::shared_ptr<grpc::Channel>& channel) {
  v1::DrainRequest request;
  request.set_service("dns");
  request.set_real("10.1.0.1:53");
  return call(channel, &Stub::Drain, request, v1::ApplyResponse());
}
inline grpc::Status apply(const std::shared_ptr<grpc::Channel>& channel) {
  return call(channel, &Stub::Apply, v1::ApplyRequest(), v1::ApplyResponse());
}

}  // namespace shunt::control::rpc
