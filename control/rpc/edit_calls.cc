// Edits on the server: read, edited, validated and applied as one change.
#include <string>

#include "config/convert.h"
#include "control/rpc/audit.h"
#include "control/rpc/caller.h"
#include "control/rpc/convert_report.h"
#include "control/rpc/edits.h"
#include "control/rpc/service.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

// Edits wait for each other; other changes come in between, but not so often in a row.
constexpr int kTries = 20;

Error overtaken(uint64_t expected, uint64_t current) {
  return {ErrorCode::kConflict, "revision " + std::to_string(expected) + ": the current one is " + std::to_string(current) +
                                    ", somebody changed the state; get it again and redo the change"};
}

}  // namespace

grpc::Status ShuntService::Edit(grpc::ServerContext* context, const v1::EditRequest* request,
                                v1::ApplyResponse* response) {
  return answers_.once(request->dry_run() ? "" : request->idempotency_key(), *request, response,
                       [&](v1::ApplyResponse* out) { return edit(*context, *request, out); });
}

grpc::Status ShuntService::edit(const grpc::ServerContext& context, const v1::EditRequest& request,
                                v1::ApplyResponse* response) {
  const std::string what = in_words(request.edits());
  const CauseScope because({Origin::kApi, caller(context), what});
  const auto refused = [&](const std::string& why, grpc::Status status) {
    if (!request.dry_run()) audit_refusal(context, what, why);
    return status;
  };
  const std::lock_guard one_at_a_time(edit_mutex_);
  Result<ApplyOutcome> outcome = Error{};
  for (int tries = 0; tries < kTries; ++tries) {
    const auto current = controller_.get();
    if (!current) return refused(current.error().message, to_status(current.error()));
    const uint64_t expected = request.expected_revision();
    if (expected != 0 && expected != current->revision) {
      const Error error = overtaken(expected, current->revision);
      return refused(error.message, to_status(error));
    }
    v1::DesiredState state = config::to_proto(current->state);
    if (const auto refusal = make_edits(request.edits(), state)) {
      return refused(config::to_string(refusal->problem, ""), to_status(refusal->code, refusal->problem));
    }
    const auto problems = by_edits(config::validate_desired_state(state, machine_), request.edits(), state);
    if (!problems.empty()) return refused(config::to_string(problems.front(), ""), to_status(problems));
    outcome = controller_.apply(config::to_desired_state(state), current->revision, request.dry_run());
    if (outcome || expected != 0 || outcome.error().code != ErrorCode::kConflict) break;
  }
  if (!request.dry_run()) audit(context, what, outcome);
  if (!outcome) return to_status(outcome.error());
  *response = to_proto(*outcome);
  return grpc::Status::OK;
}

}  // namespace shunt::control::rpc
