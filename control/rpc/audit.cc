#include "control/rpc/audit.h"

#include <spdlog/spdlog.h>

#include "control/rpc/caller.h"

namespace shunt::control::rpc {
void audit(const grpc::ServerContext& context, const std::string& what,
           const Result<ApplyOutcome>& outcome) {
  if (!outcome) {
    audit_refusal(context, what, outcome.error().message);
    return;
  }
  if (outcome->changes.empty()) {
    spdlog::info("audit: {}: {}: nothing to change, revision {}", caller(context), one_line(what),
                 outcome->revision);
    return;
  }
  const size_t changes = outcome->changes.size();
  spdlog::info("audit: {}: {}: {} {}, now revision {}", caller(context), one_line(what), changes,
               changes == 1 ? "change" : "changes", outcome->revision);
}

void audit_refusal(const grpc::ServerContext& context, const std::string& what,
                   const std::string& why) {
  spdlog::warn("audit: {}: {}: refused: {}", caller(context), one_line(what), one_line(why));
}

}  // namespace shunt::control::rpc
