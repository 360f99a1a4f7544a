// The API on a UNIX socket and, where wanted, over TCP with TLS: shunt.v1, reflection and
// grpc.health.v1. Owned by the main thread; its calls run on gRPC's threads.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/validate.h"
#include "control/controller.h"
#include "src/base/result.h"

namespace grpc {
class Server;
}

namespace shunt::control::rpc {

class DebugService;
class ShuntService;
class UnixDoor;

class Server {
 public:
  // Listens on the socket, for whom `unix_roles` let in (unix_door.h), and on `tcp`, by roles
  // (roles.h). `machine` is what desired states may refer to. `controller` must outlive the server.
  // Main thread: the process's umask is changed meanwhile. Errors: those of prepare_socket_path(),
  // UnixDoor::build() and check_tls_files(); kConflict for a taken port; kUnavailable when it cannot
  // be listened on.
  static Result<std::unique_ptr<Server>> start(
      Controller& controller, const std::string& socket_path, config::MachineNames machine,
      const std::optional<TcpListener>& tcp = std::nullopt, const UnixRoles& unix_roles = {});
  // As stop().
  ~Server();

  // Takes no more calls, ends streams, gives running calls a second, and removes the socket.
  // Idempotent.
  void stop();

  // The one listened on, where the listener's is 0: any. 0: none.
  int tcp_port() const noexcept { return tcp_port_; }

 private:
  explicit Server(std::unique_ptr<ShuntService> service);

  std::unique_ptr<UnixDoor> door_;
  std::unique_ptr<ShuntService> service_;
  std::unique_ptr<DebugService> debug_;
  std::unique_ptr<grpc::Server> server_;
  int tcp_port_ = 0;
};

}  // namespace shunt::control::rpc
