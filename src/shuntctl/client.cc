#include "src/shuntctl/client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/shuntctl/server_connection.h"

namespace shunt::shuntctl {
namespace {

// A page of ListServices with its 100,000 reals, or such a desired state, is some tens of megabytes.
constexpr int kMaxMessageBytes = 256 << 20;
// The list of a configuration's problems travels in the trailers.
constexpr int kMaxMetadataBytes = 1 << 20;
// The daemon sends away who pings more often than each 10 s.
constexpr int kKeepaliveMs = 20'000;

// Why the socket cannot be reached; nullopt when it can. gRPC only says that it failed.
std::optional<Failure> probe_socket(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Failure{ExitCode::kUsage, "INVALID_ARGUMENT",
                   "socket path " + path + ": must have 1.." + std::to_string(sizeof address.sun_path - 1) +
                       " characters; choose a shorter one with --socket"};
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  const std::string subject = "socket " + path + ": ";
  switch (error) {
    case 0:
      return std::nullopt;
    case ENOENT:
    case ENOTDIR:
      return Failure{ExitCode::kUnreachable, "UNAVAILABLE",
                     subject + "does not exist; is shuntd running? Its configuration's listener.unix_socket names the "
                               "path; pass that with --socket or SHUNT_SOCKET"};
    case ECONNREFUSED:
    case ENOTSOCK:
      return Failure{ExitCode::kUnreachable, "UNAVAILABLE",
                     subject + "nobody listens on it; shuntd has ended: start it, and see its log for why it ended"};
    case EACCES:
    case EPERM:
      return Failure{ExitCode::kPermission, "PERMISSION_DENIED",
                     subject + "permission denied; only shuntd's user and root may use it: run shuntctl with sudo"};
    default:
      return Failure{ExitCode::kUnreachable, "UNAVAILABLE", subject + std::strerror(error)};
  }
}

const char* name_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK: return "OK";
    case grpc::StatusCode::CANCELLED: return "CANCELLED";
    case grpc::StatusCode::UNKNOWN: return "UNKNOWN";
    case grpc::StatusCode::INVALID_ARGUMENT: return "INVALID_ARGUMENT";
    case grpc::StatusCode::DEADLINE_EXCEEDED: return "DEADLINE_EXCEEDED";
    case grpc::StatusCode::NOT_FOUND: return "NOT_FOUND";
    case grpc::StatusCode::ALREADY_EXISTS: return "ALREADY_EXISTS";
    case grpc::StatusCode::PERMISSION_DENIED: return "PERMISSION_DENIED";
    case grpc::StatusCode::UNAUTHENTICATED: return "UNAUTHENTICATED";
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return "RESOURCE_EXHAUSTED";
    case grpc::StatusCode::FAILED_PRECONDITION: return "FAILED_PRECONDITION";
    case grpc::StatusCode::ABORTED: return "ABORTED";
    case grpc::StatusCode::OUT_OF_RANGE: return "OUT_OF_RANGE";
    case grpc::StatusCode::UNIMPLEMENTED: return "UNIMPLEMENTED";
    case grpc::StatusCode::INTERNAL: return "INTERNAL";
    case grpc::StatusCode::UNAVAILABLE: return "UNAVAILABLE";
    case grpc::StatusCode::DATA_LOSS: return "DATA_LOSS";
    case grpc::StatusCode::DO_NOT_USE: break;
  }
  return "UNKNOWN";
}

ExitCode exit_of(grpc::StatusCode code) {
  if (code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::ALREADY_EXISTS) return ExitCode::kUsage;
  if (code == grpc::StatusCode::UNAVAILABLE) return ExitCode::kUnreachable;
  if (code == grpc::StatusCode::NOT_FOUND) return ExitCode::kNotFound;
  if (code == grpc::StatusCode::ABORTED) return ExitCode::kConflict;
  if (code == grpc::StatusCode::PERMISSION_DENIED || code == grpc::StatusCode::UNAUTHENTICATED)
    return ExitCode::kPermission;
  return ExitCode::kRpc;
}

std::vector<v1::ErrorDetail> details_of(const grpc::Status& status) {
  std::vector<v1::ErrorDetail> details;
  v1::ErrorStatus packed;
  if (!packed.ParseFromString(status.error_details())) return details;
  for (const auto& any : packed.details()) {
    v1::ErrorDetail detail;
    if (any.UnpackTo(&detail)) details.push_back(std::move(detail));
  }
  return details;
}

}  // namespace

Client::Client(const Settings& settings)
    : socket_path_(settings.socket_path), tcp_(settings.tcp), timeout_(settings.timeout) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // A proxy from the environment must not stand between a machine and a daemon.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!tcp_.server.empty()) {
    // A stream that waits for events must end when the machine at its other end is gone.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    unusable_ = check_server_settings(tcp_);
    if (unusable_) return;
    channel_ = grpc::CreateCustomChannel("dns:///" + tcp_.server, server_credentials(tcp_), arguments);
    return;
  }
  channel_ = grpc::CreateCustomChannel("unix:" + socket_path_, grpc::InsecureChannelCredentials(), arguments);
}

std::string Client::subject() const {
  return tcp_.server.empty() ? "socket " + socket_path_ + ": " : "server " + tcp_.server + ": ";
}

std::optional<Failure> Client::probe() const {
  return tcp_.server.empty() ? probe_socket(socket_path_) : probe_server(tcp_);
}

std::optional<Failure> Client::failure_of(const grpc::Status& status) const {
  if (status.ok()) return std::nullopt;
  const grpc::StatusCode code = status.error_code();
  if (code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::UNKNOWN) {
    if (auto unreachable = probe()) return unreachable;
  }
  Failure failure{exit_of(code), name_of(code), status.error_message(), details_of(status)};
  if (code == grpc::StatusCode::DEADLINE_EXCEEDED) {
    failure.message = subject() +
                      "no answer in time; shuntd may be stopped in a debugger or overloaded: see its log, or "
                      "allow more with --timeout";
  } else if (code == grpc::StatusCode::UNIMPLEMENTED) {
    failure.message = subject() +
                      "the daemon does not know this call; shuntd and shuntctl must be of the same version";
  } else if (failure.message.empty()) {
    failure.message = subject() + "failed without a reason";
  }
  return failure;
}

}  // namespace shunt::shuntctl
