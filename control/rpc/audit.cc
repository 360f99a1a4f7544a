#include "control/rpc/audit.h"

#include <spdlog/spdlog.h>

namespace shunt::control::rpc {
namespace {

// gRPC does not hand on a UNIX socket's peer credentials; the socket's mode lets in its owner and root only.
std::string who(const grpc::ServerContext& context) {
  const std::string peer = context.peer();
  return peer.empty() || peer.rfind("unix:", 0) == 0 ? "unix socket" : peer;
}

// What a client sent must not start a log line of its own.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

void audit(const grpc::ServerContext& context, const std::string& what, const Result<ApplyOutcome>& outcome) {
  if (!outcome) {
    audit_refusal(context, what, outcome.error().message);
    return;
  }
  if (outcome->changes.empty()) {
    spdlog::info("audit: {}: {}: nothing to change, revision {}", who(context), one_line(what), outcome->revision);
    return;
  }
  const size_t changes = outcome->changes.size();
  spdlog::info("audit: {}: {}: {} {}, now revision {}", who(context), one_line(what), changes,
               changes == 1 ? "change" : "changes", outcome->revision);
}

void audit_refusal(const grpc::ServerContext& context, const std::string& what, const std::string& why) {
  spdlog::warn("audit: {}: {}: refused: {}", who(context), one_line(what), one_line(why));
}

}  // namespace shunt::control::rpc
