#include "control/rpc/server.h"

#include <arpa/inet.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/identity.h"
#include "control/rpc/caller.h"
#include "control/rpc/debug_service.h"
#include "control/rpc/service.h"
#include "control/rpc/tls.h"
#include "control/rpc/unix_door.h"
#include "control/rpc/unix_socket.h"

namespace shunt::control::rpc {
namespace {

// A desired state of 100,000 reals is some 10 MB, their states some 50 MB.
constexpr int kMaxMessageBytes = 256 << 20;
constexpr std::chrono::seconds kGrace{1};
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// Clients that ping more often are sent away.
constexpr int kLeastPingIntervalMs = 10'000;

std::string endpoint_text(const TcpListener& tcp) {
  return address_and_port(tcp.address, tcp.port);
}

// gRPC only says that it failed: the kernel is asked once more.
Error not_listening(const TcpListener& tcp) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (tcp.address.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(tcp.port);
    inet_pton(AF_INET, tcp.address.to_string().c_str(), &address.sin_addr);
    length = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(tcp.port);
    inet_pton(AF_INET6, tcp.address.to_string().c_str(), &address.sin6_addr);
    length = sizeof address;
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool fits =
      bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 && listen(fd, 1) == 0;
  const int error = fits ? 0 : errno;
  close(fd);
  return {error == EADDRINUSE ? ErrorCode::kConflict : ErrorCode::kUnavailable,
          "listener.tcp " + endpoint_text(tcp) + ": cannot be listened on" +
              (error == 0 ? std::string() : std::string(": ") + std::strerror(error)) +
              "; set another listener.tcp.port, or an address that this machine has"};
}

// A UNIX socket's handshake has no bytes: clients need not know that they are asked for their role.
std::shared_ptr<grpc::ServerCredentials> credentials_of(const UnixDoor& door, std::optional<Role> role) {
  auto credentials = grpc::experimental::LocalServerCredentials(UDS);
  credentials->SetAuthMetadataProcessor(
      std::make_shared<RoleGate>(role, [&door, role] { return door.present(role); }));
  return credentials;
}

// Failed handshakes among them: anybody who reaches the port makes such lines, and the log sums up
// what repeats.
void log_of_grpc(gpr_log_func_args* said) {
  if (said->severity == GPR_LOG_SEVERITY_ERROR) {
    spdlog::warn("gRPC: {}", one_line(said->message));
  } else {
    spdlog::debug("gRPC: {}", one_line(said->message));
  }
}

}  // namespace

Server::Server(std::unique_ptr<ShuntService> service) : service_(std::move(service)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(Controller& controller,
                                              const std::string& socket_path,
                                              config::MachineNames machine,
                                              const std::optional<TcpListener>& tcp,
                                              const UnixRoles& unix_roles) {
  if (tcp) {
    if (auto usable = check_tls_files(*tcp); !usable) return usable.error();
  }
  if (auto prepared = prepare_socket_path(socket_path); !prepared) return prepared.error();
  auto door = UnixDoor::build(socket_path, unix_roles);
  if (!door) return door.error();
  std::unique_ptr<Server> server(
      new Server(std::make_unique<ShuntService>(controller, std::move(machine))));
  server->door_ = std::move(*door);
  server->debug_ = std::make_unique<DebugService>(controller);

  gpr_set_log_function(log_of_grpc);
  // Both plugins are the process's: they apply to every server built from here on.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  // Else a second daemon could take the same port, and get half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A stream to a machine that is gone must end, and clients may look likewise whether we are.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  std::vector<int> rooms(4);
  size_t room = 0;
  for (const std::optional<Role> role : {std::optional(Role::kAdmin), std::optional(Role::kOperator),
                                         std::optional(Role::kViewer), std::optional<Role>()}) {
    builder.AddListeningPort("unix:" + server->door_->room(role), credentials_of(*server->door_, role), &rooms[room++]);
  }
  if (tcp) builder.AddListeningPort(endpoint_text(*tcp), tls_credentials(*tcp), &server->tcp_port_);
  builder.RegisterService(server->service_.get());
  builder.RegisterService(server->debug_.get());
  server->server_ = builder.BuildAndStart();
  const bool has_rooms = std::none_of(rooms.begin(), rooms.end(), [](int port) { return port == 0; });
  if (server->server_ == nullptr && has_rooms) return not_listening(*tcp);
  if (server->server_ == nullptr) {
    return Error{ErrorCode::kUnavailable,
                 "socket " + socket_path +
                     ": cannot be listened on; see gRPC's message above, and that the file system "
                     "takes sockets"};
  }
  if (auto opened = server->door_->open(); !opened) return opened.error();
  return server;
}

void Server::stop() {
  if (server_ == nullptr) return;
  door_->close();
  service_->stop();
  debug_->stop();
  server_->GetHealthCheckService()->SetServingStatus(false);
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  server_.reset();
  door_->stop();
}

}  // namespace shunt::control::rpc
