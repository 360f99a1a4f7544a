// What is asked over HTTP, and which answers are well.
#include <algorithm>
#include <array>
#include <utility>

#include "control/health/http_attempt.h"
#include "control/health/words.h"

namespace shunt::control {
namespace {

constexpr size_t kMaxBody = 65536;
constexpr const char* kGrpcPath = "/grpc.health.v1.Health/Check";
constexpr size_t kGrpcPrefixBytes = 5;

bool is_http2(const HttpAnswer& answer) { return answer.version == CURL_HTTP_VERSION_2_0; }

Outcome down(std::string cause) { return {Outcome::Kind::kDown, std::move(cause)}; }

Outcome judge_http(const HttpCheck& check, const HttpAnswer& answer) {
  const std::string status = "status " + std::to_string(answer.status);
  if (check.http2 && !is_http2(answer)) return down(status + " over HTTP/1.1, wanted HTTP/2");
  const bool is_wanted =
      std::any_of(check.status.begin(), check.status.end(), [&answer](const StatusRange& range) {
        return range.first <= answer.status && answer.status <= range.last;
      });
  if (!is_wanted) return down(status + ", wanted " + text_of(check.status));
  if (answer.body.find(check.body) == std::string::npos) return down(status + ", body without " + quoted(check.body));
  return {Outcome::Kind::kUp, status + (is_http2(answer) ? " over HTTP/2" : "")};
}

// A length-prefixed message, not compressed.
std::string framed(const std::string& message) {
  const auto bytes = static_cast<uint32_t>(message.size());
  std::string frame(1, '\0');
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(bytes >> shift & 0xff));
  return frame + message;
}

// HealthCheckRequest: field 1 is the service's name.
std::string health_request(const std::string& service) {
  if (service.empty()) return "";
  std::string message = "\x0a";
  size_t bytes = service.size();
  for (; bytes >= 0x80; bytes >>= 7) message.push_back(static_cast<char>((bytes & 0x7f) | 0x80));
  message.push_back(static_cast<char>(bytes));
  return message + service;
}

// HealthCheckResponse: field 1 is the status. -1: it cannot be read.
int serving_status(std::string_view body) {
  if (body.size() < kGrpcPrefixBytes || body[0] != '\0') return -1;
  const std::string_view message = body.substr(kGrpcPrefixBytes);
  if (message.empty()) return 0;
  return message.size() >= 2 && message[0] == '\x08' ? static_cast<uint8_t>(message[1]) : -1;
}

std::string grpc_status_text(const std::string& status) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kNames = {{{"4", "DEADLINE_EXCEEDED"},
                                                                          {"5", "NOT_FOUND"},
                                                                          {"7", "PERMISSION_DENIED"},
                                                                          {"12", "UNIMPLEMENTED"},
                                                                          {"14", "UNAVAILABLE"},
                                                                          {"16", "UNAUTHENTICATED"}}};
  for (const auto& [number, name] : kNames) {
    if (status == number) return name;
  }
  return status.empty() ? "no grpc-status" : "grpc-status " + quoted(status);
}

Outcome judge_grpc(const HttpAnswer& answer) {
  constexpr std::array<const char*, 4> kServing = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  if (answer.status != 200) return down("status " + std::to_string(answer.status) + ", wanted 200");
  if (const std::string status = answer.header("grpc-status"); status != "0")
    return down(grpc_status_text(status) + ", wanted SERVING");
  const int serving = serving_status(answer.body);
  if (serving < 0 || static_cast<size_t>(serving) >= kServing.size()) return down("an answer that cannot be read");
  const std::string name = kServing[static_cast<size_t>(serving)];
  return serving == 1 ? Outcome{Outcome::Kind::kUp, name} : down(name + ", wanted SERVING");
}

}  // namespace

HttpExchange exchange_of(const HttpCheck& check) {
  HttpExchange exchange;
  HttpRequest& request = exchange.request;
  request.secure = check.secure;
  request.host = check.host;
  request.path = check.path;
  request.method = check.method;
  request.headers = check.headers;
  request.tls = check.tls;
  if (check.http2 && !check.secure) request.version = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  else if (check.secure) request.version = CURL_HTTP_VERSION_2TLS;
  exchange.body_bytes = check.body.empty() ? 0 : kMaxBody;
  exchange.until = check.body;
  exchange.judge = [check](const HttpAnswer& answer) { return judge_http(check, answer); };
  return exchange;
}

HttpExchange exchange_of(const GrpcCheck& check) {
  HttpExchange exchange;
  HttpRequest& request = exchange.request;
  request.secure = check.secure;
  request.host = check.host;
  request.path = kGrpcPath;
  request.method = "POST";
  request.headers = {"Content-Type: application/grpc", "TE: trailers"};
  request.body = framed(health_request(check.service));
  request.tls = check.tls;
  request.version = check.secure ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  exchange.wants_headers = true;
  // The trailers come after the body: all of it is wanted, and there is little.
  exchange.body_bytes = kMaxBody;
  exchange.judge = judge_grpc;
  return exchange;
}

}  // namespace shunt::control
