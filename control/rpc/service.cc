#include "control/rpc/service.h"

#include <string>

#include "config/convert.h"
#include "config/real_name.h"
#include "control/rpc/audit.h"
#include "control/rpc/caller.h"
#include "control/rpc/convert_report.h"
#include "control/rpc/override_requests.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

grpc::Status answer(const Result<ApplyOutcome>& outcome, v1::ApplyResponse* response) {
  if (!outcome) return to_status(outcome.error());
  *response = to_proto(*outcome);
  return grpc::Status::OK;
}

std::string real_of(const std::string& service, const std::string& real) { return "real " + service + "/" + real; }

// REQUIRES a list of proto messages in `out`, for the values of a list.
template <typename Values, typename Out>
grpc::Status answer_list(const Result<Values>& values, Out* out) {
  if (!values) return to_status(values.error());
  for (const auto& value : *values) *out->Add() = to_proto(value);
  return grpc::Status::OK;
}

grpc::Status refused(const grpc::ServerContext& context, const std::string& what,
                     const std::vector<config::Problem>& problems) {
  audit_refusal(context, what, config::to_string(problems.front(), ""));
  return to_status(problems);
}

}  // namespace

grpc::Status ShuntService::Apply(grpc::ServerContext* context, const v1::ApplyRequest* request,
                                 v1::ApplyResponse* response) {
  return answers_.once(request->dry_run() ? "" : request->idempotency_key(), *request, response,
                       [&](v1::ApplyResponse* out) { return apply(*context, *request, out); });
}

grpc::Status ShuntService::apply(const grpc::ServerContext& context, const v1::ApplyRequest& request,
                                 v1::ApplyResponse* response) {
  const auto problems = config::validate_desired_state(request.state(), machine_);
  if (!problems.empty()) {
    if (!request.dry_run()) {
      controller_.note_refused_apply();
      audit_refusal(context, "apply", std::to_string(problems.size()) + " problems, first: " +
                                           config::to_string(problems.front(), ""));
    }
    return to_status(problems);
  }
  const CauseScope because({Origin::kApi, caller(context), "apply"});
  const auto outcome = controller_.apply(config::to_desired_state(request.state()), request.expected_revision(),
                                         request.dry_run());
  if (!request.dry_run()) audit(context, "apply", outcome);
  return answer(outcome, response);
}

grpc::Status ShuntService::Get(grpc::ServerContext*, const v1::GetRequest*, v1::GetResponse* response) {
  const auto current = controller_.get();
  if (!current) return to_status(current.error());
  response->set_revision(current->revision);
  *response->mutable_state() = config::to_proto(current->state);
  *response->mutable_position() = to_proto(current->position);
  return grpc::Status::OK;
}

grpc::Status ShuntService::SetWeight(grpc::ServerContext* context, const v1::SetWeightRequest* request,
                                     v1::ApplyResponse* response) {
  const std::string real = config::canonical_real_name(request->real());
  const std::string what =
      "set weight of " + real_of(request->service(), real) + " to " + std::to_string(request->weight());
  const CauseScope because({Origin::kApi, caller(*context), what});
  std::vector<config::Problem> problems;
  const OverrideTerms terms = terms_of(*request, caller(*context), problems);
  if (!problems.empty()) return refused(*context, what, problems);
  const auto outcome =
      controller_.set_weight(request->service(), real, request->weight(), request->expected_revision(), terms);
  audit(*context, what + in_words(terms), outcome);
  return answer(outcome, response);
}

grpc::Status ShuntService::Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                                 v1::ApplyResponse* response) {
  const std::string& service = request->service();
  const std::string real = config::canonical_real_name(request->real());
  const std::string what = (request->undo() ? "undo drain of " : "drain ") + real_of(service, real);
  const CauseScope because({Origin::kApi, caller(*context), what});
  std::vector<config::Problem> problems;
  const DrainTerms terms = terms_of(*request, caller(*context), problems);
  if (!problems.empty()) return refused(*context, what, problems);
  const auto outcome = request->undo() ? controller_.undo_drain(service, real, request->expected_revision())
                                       : controller_.drain(service, real, request->expected_revision(), terms);
  audit(*context, what + in_words(terms), outcome);
  return answer(outcome, response);
}

grpc::Status ShuntService::ListOverrides(grpc::ServerContext*, const v1::ListOverridesRequest*,
                                         v1::ListOverridesResponse* response) {
  return answer_list(controller_.overrides(), response->mutable_overrides());
}

grpc::Status ShuntService::ClearOverride(grpc::ServerContext* context, const v1::ClearOverrideRequest* request,
                                         v1::ApplyResponse* response) {
  const std::string real = config::canonical_real_name(request->real());
  const std::string what = "clear the override of " + real_of(request->service(), real);
  const CauseScope because({Origin::kApi, caller(*context), what});
  const auto outcome = controller_.clear_override(request->service(), real, request->expected_revision());
  audit(*context, what, outcome);
  return answer(outcome, response);
}

grpc::Status ShuntService::GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::Status* response) {
  const auto report = controller_.status();
  if (!report) return to_status(report.error());
  *response = to_proto(*report);
  return grpc::Status::OK;
}

grpc::Status ShuntService::ListServices(grpc::ServerContext*, const v1::ListServicesRequest* request,
                                        v1::ListServicesResponse* response) {
  const auto page = controller_.list_services({request->name(), request->page_size(), request->page_token()});
  if (!page) return to_status(page.error());
  *response = to_proto(*page);
  return grpc::Status::OK;
}

grpc::Status ShuntService::ListConnections(grpc::ServerContext* context, const v1::ListConnectionsRequest* request,
                                           grpc::ServerWriter<v1::Connection>* writer) {
  const ConnectionFilter filter{request->service(), config::canonical_real_name(request->real()), request->client(),
                                request->limit()};
  const auto listed = controller_.connections(filter, [&](const ConnectionReport& connection) {
    return !stopping_ && !context->IsCancelled() && writer->Write(to_proto(connection));
  });
  if (!listed) return to_status(listed.error());
  if (stopping_) return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping"};
  return grpc::Status::OK;
}

grpc::Status ShuntService::ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                       v1::ListWorkersResponse* response) {
  return answer_list(controller_.workers(), response->mutable_workers());
}

grpc::Status ShuntService::ListPorts(grpc::ServerContext*, const v1::ListPortsRequest*,
                                     v1::ListPortsResponse* response) {
  return answer_list(controller_.ports(), response->mutable_ports());
}

grpc::Status ShuntService::ListDrops(grpc::ServerContext*, const v1::ListDropsRequest*,
                                     v1::ListDropsResponse* response) {
  return answer_list(controller_.drops(), response->mutable_drops());
}

grpc::Status ShuntService::ListSnat(grpc::ServerContext*, const v1::ListSnatRequest*, v1::ListSnatResponse* response) {
  return answer_list(controller_.snat_rules(), response->mutable_rules());
}

}  // namespace shunt::control::rpc
