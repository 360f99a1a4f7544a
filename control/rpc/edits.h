// Edits of a desired state, as a message: each on what the one before it left. Pure; any thread.
#pragma once

#include <google/protobuf/repeated_field.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <vector>

#include "config/problem.h"
#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {

// Why an edit cannot be made.
struct EditRefusal {
  grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT;
  config::Problem problem;
};

// Makes all edits, in their order. On a refusal the state is of no use any more.
std::optional<EditRefusal> make_edits(const google::protobuf::RepeatedPtrField<v1::Edit>& edits, v1::DesiredState& state);

// Services that they are about; each once.
std::vector<std::string> services_of(const google::protobuf::RepeatedPtrField<v1::Edit>& edits);
// None is about local addresses, access lists, which may be any service's, or rules of snat.
bool names_services_alone(const google::protobuf::RepeatedPtrField<v1::Edit>& edits);

// Problems of the state that make_edits() left, their fields said by the edits that brought them about:
// "services[7].scheduler" becomes "edits[0].add_service.service.scheduler".
std::vector<config::Problem> by_edits(std::vector<config::Problem> problems,
                                      const google::protobuf::RepeatedPtrField<v1::Edit>& edits,
                                      const v1::DesiredState& state);

// "add service web, remove real web/10.0.0.1:80"; many are summed up.
std::string in_words(const google::protobuf::RepeatedPtrField<v1::Edit>& edits);

}  // namespace shunt::control::rpc
