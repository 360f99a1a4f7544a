// A server over a running controller and dataplane, and a client of its socket.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "control/rpc/server.h"
#include "shunt/v1/api.grpc.pb.h"
#include "tests/control/controller_rig.h"

namespace shunt::control::rpc {

struct ApiRig {
  ApiRig() {
    socket = rig.directory + "/run/s.sock";
    auto started = Server::start(rig.start(), socket, config::names_of(rig.options.machine));
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel = grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
    stub = v1::Shunt::NewStub(channel);
  }
  ~ApiRig() { server.reset(); }

  template <typename Request, typename Response>
  grpc::Status call(grpc::Status (v1::Shunt::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    // Ample: a sanitizer on a busy machine.
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(240));
    return (stub.get()->*method)(&context, request, &response);
  }
  v1::GetResponse get() {
    v1::GetResponse response;
    EXPECT_TRUE(call(&v1::Shunt::Stub::Get, v1::GetRequest(), response).ok());
    return response;
  }

  ControllerRig rig;
  std::string socket;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Shunt::Stub> stub;
};

// The details of a refusal.
inline std::vector<v1::ErrorDetail> details_in(const grpc::Status& status) {
  std::vector<v1::ErrorDetail> details;
  v1::ErrorStatus packed;
  EXPECT_TRUE(packed.ParseFromString(status.error_details()));
  for (const auto& any : packed.details()) {
    EXPECT_TRUE(any.UnpackTo(&details.emplace_back()));
  }
  return details;
}

}  // namespace shunt::control::rpc
