#include "control/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "control/rpc/debug_service.h"
#include "control/rpc/service.h"
#include "control/rpc/unix_socket.h"

namespace shunt::control::rpc {
namespace {

// A desired state of 100,000 reals is some 10 MB, their states some 50 MB.
constexpr int kMaxMessageBytes = 256 << 20;
constexpr std::chrono::seconds kGrace{1};

// The socket is created with the mode that the umask leaves, so that nobody can connect before a chmod.
class OwnerOnlyUmask {
 public:
  OwnerOnlyUmask() : before_(umask(0177)) {}
  ~OwnerOnlyUmask() { umask(before_); }
  OwnerOnlyUmask(const OwnerOnlyUmask&) = delete;
  OwnerOnlyUmask& operator=(const OwnerOnlyUmask&) = delete;

 private:
  const mode_t before_;
};

}  // namespace

Server::Server(std::unique_ptr<ShuntService> service) : service_(std::move(service)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(Controller& controller, const std::string& socket_path,
                                              config::MachineNames machine) {
  if (auto prepared = prepare_socket_path(socket_path); !prepared) return prepared.error();
  std::unique_ptr<Server> server(new Server(std::make_unique<ShuntService>(controller, std::move(machine))));
  server->debug_ = std::make_unique<DebugService>(controller);

  // Both plugins are the process's: they apply to every server built from here on.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.RegisterService(server->service_.get());
  builder.RegisterService(server->debug_.get());
  {
    const OwnerOnlyUmask umask;
    server->server_ = builder.BuildAndStart();
  }
  if (server->server_ == nullptr) {
    return Error{ErrorCode::kUnavailable,
                 "socket " + socket_path + ": cannot be listened on; see gRPC's message above, and that the file system "
                                           "takes sockets"};
  }
  return server;
}

void Server::stop() {
  if (server_ == nullptr) return;
  service_->stop();
  debug_->stop();
  server_->GetHealthCheckService()->SetServingStatus(false);
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  // Removes the socket too; doing so once more could hit the next daemon's.
  server_.reset();
}

}  // namespace shunt::control::rpc
