// The calls about the past.
#include <algorithm>
#include <string>

#include "config/convert.h"
#include "control/rpc/audit.h"
#include "control/rpc/caller.h"
#include "control/rpc/convert_report.h"
#include "control/rpc/service.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

// Somebody else's change came in between so often in a row: only programs that change without pause do that.
constexpr int kTries = 20;

v1::Origin to_proto(Origin origin) {
  switch (origin) {
    case Origin::kApi: return v1::ORIGIN_API;
    case Origin::kFile: return v1::ORIGIN_FILE;
    case Origin::kRollback: return v1::ORIGIN_ROLLBACK;
    case Origin::kItself: return v1::ORIGIN_ITSELF;
  }
  return v1::ORIGIN_UNSPECIFIED;
}

v1::Revision to_proto(const Revision& revision, const std::vector<Change>& changes) {
  v1::Revision out;
  out.set_revision(revision.revision);
  *out.mutable_time() = rpc::to_proto(revision.time);
  out.set_origin(to_proto(revision.cause.origin));
  out.set_who(revision.cause.who);
  out.set_what(revision.cause.what);
  out.set_change_count(revision.change_count);
  *out.mutable_changes() = std::move(*rpc::to_proto(ApplyOutcome{0, changes}).mutable_changes());
  return out;
}

}  // namespace

grpc::Status ShuntService::History(grpc::ServerContext*, const v1::HistoryRequest* request,
                                   v1::HistoryResponse* response) {
  const auto report = controller_.history();
  if (!report) return to_status(report.error());
  response->set_revision(report->current);
  for (const Revision& each : report->revisions) {
    if (request->limit() != 0 && response->revisions_size() == static_cast<int>(request->limit())) break;
    v1::Revision& out = *response->add_revisions() = to_proto(each, each.changes);
    out.set_restorable(each.revision >= report->oldest_restorable);
  }
  return grpc::Status::OK;
}

grpc::Status ShuntService::GetRevision(grpc::ServerContext*, const v1::GetRevisionRequest* request,
                                       v1::GetRevisionResponse* response) {
  const auto past = controller_.past_revision(request->revision());
  if (!past) return to_status(past.error());
  *response->mutable_revision() = to_proto(past->revision, past->changes);
  const auto report = controller_.history();
  response->mutable_revision()->set_restorable(report && past->revision.revision >= report->oldest_restorable);
  if (!request->with_state()) return grpc::Status::OK;
  const auto state = controller_.state_at(request->revision());
  if (!state) return to_status(state.error());
  *response->mutable_state() = config::to_proto(state->state);
  return grpc::Status::OK;
}

grpc::Status ShuntService::Rollback(grpc::ServerContext* context, const v1::RollbackRequest* request,
                                    v1::ApplyResponse* response) {
  return answers_.once(request->dry_run() ? "" : request->idempotency_key(), *request, response,
                       [&](v1::ApplyResponse* out) { return roll_back(*context, *request, out); });
}

grpc::Status ShuntService::roll_back(const grpc::ServerContext& context, const v1::RollbackRequest& request,
                                     v1::ApplyResponse* response) {
  const std::string what = "rollback to revision " + std::to_string(request.revision());
  const CauseScope because({Origin::kRollback, caller(context), what});
  Result<ApplyOutcome> outcome = Error{};
  for (int tries = 0; tries < kTries; ++tries) {
    auto past = controller_.state_at(request.revision());
    if (!past) {
      if (!request.dry_run()) audit_refusal(context, what, past.error().message);
      return to_status(past.error());
    }
    // The machine may have other ports since.
    const auto problems = config::validate_desired_state(config::to_proto(past->state), machine_);
    if (!problems.empty()) {
      if (!request.dry_run()) audit_refusal(context, what, config::to_string(problems.front(), ""));
      return to_status(problems);
    }
    const bool is_free = request.expected_revision() == 0;
    outcome = controller_.apply(std::move(past->state), is_free ? past->current : request.expected_revision(),
                                request.dry_run());
    if (outcome || !is_free || outcome.error().code != ErrorCode::kConflict) break;
  }
  if (!request.dry_run()) audit(context, what, outcome);
  if (!outcome) return to_status(outcome.error());
  *response = rpc::to_proto(*outcome);
  return grpc::Status::OK;
}

}  // namespace shunt::control::rpc
