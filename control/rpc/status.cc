#include "control/rpc/status.h"

#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {
namespace {

// A status travels in the trailers, of which clients take 8 KiB in all unless they say otherwise; one that is larger
// reaches them as RESOURCE_EXHAUSTED without a word of it. The details may grow by a third on the way (base64).
constexpr size_t kMaxMessageBytes = 3200;
constexpr size_t kMaxDetailBytes = 3000;
// Room for "... and 12345 more problems".
constexpr size_t kMoreBytes = 40;

// As the message is counted: percent-encoded by gRPC.
size_t encoded_bytes(const std::string& text) {
  size_t bytes = 0;
  for (const char c : text) bytes += c >= 0x20 && c < 0x7f && c != '%' ? 1 : 3;
  return bytes;
}

// Whole UTF-8 characters of it that fit.
std::string cut(const std::string& text, size_t max_encoded) {
  if (encoded_bytes(text) <= max_encoded) return text;
  size_t end = 0;
  for (size_t bytes = 0; end < text.size(); ++end) {
    bytes += encoded_bytes(text.substr(end, 1));
    if (bytes + 3 > max_encoded) break;
  }
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

grpc::StatusCode to_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kConflict: return grpc::StatusCode::ABORTED;
    case ErrorCode::kPermission: return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kNoMemory: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kInternal: return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

std::string message_of(const std::vector<config::Problem>& problems) {
  std::string message;
  size_t bytes = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    std::string line = cut(config::to_string(problems[i], ""), kMaxMessageBytes - kMoreBytes);
    if (i > 0) line.insert(0, "\n");
    bytes += encoded_bytes(line);
    if (bytes > kMaxMessageBytes - kMoreBytes) {
      return message + "\n... and " + std::to_string(problems.size() - i) + " more problems";
    }
    message += line;
  }
  return message;
}

}  // namespace

namespace {

grpc::Status with_details(grpc::StatusCode code, const std::vector<config::Problem>& problems, const std::string& message) {
  v1::ErrorStatus details;
  details.set_code(code);
  size_t bytes = 0;
  for (const auto& problem : problems) {
    v1::ErrorDetail detail;
    detail.set_field(problem.field);
    detail.set_reason(problem.reason);
    detail.set_cause(problem.cause);
    detail.set_remedy(problem.remedy);
    google::protobuf::Any packed;
    packed.PackFrom(detail);
    // Its own tag and length.
    bytes += packed.ByteSizeLong() + 4;
    if (bytes > kMaxDetailBytes) break;
    *details.add_details() = std::move(packed);
  }
  return {code, message, details.SerializeAsString()};
}

}  // namespace

grpc::Status to_status(const Error& error) {
  const grpc::StatusCode code = to_code(error.code);
  const std::string message = cut(error.message, kMaxMessageBytes);
  const char* reason = code == grpc::StatusCode::NOT_FOUND ? config::reason::kNotFound
                       : code == grpc::StatusCode::ABORTED ? config::reason::kRevisionConflict
                                                           : nullptr;
  if (reason == nullptr) return {code, message};
  return with_details(code, {{"", "", reason, "", "", {}}}, message);
}

grpc::Status to_status(grpc::StatusCode code, const config::Problem& problem) {
  return with_details(code, {problem}, cut(problem.cause + "; " + problem.remedy, kMaxMessageBytes));
}

grpc::Status to_status(const std::vector<config::Problem>& problems) {
  return with_details(grpc::StatusCode::INVALID_ARGUMENT, problems, message_of(problems));
}

}  // namespace shunt::control::rpc
