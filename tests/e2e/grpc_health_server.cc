// A gRPC server with grpc.health.v1 and nothing else, for health_kinds_test.py: grpc_health_server PORT serving|not_serving.
// SIGUSR1 and SIGUSR2 make it say SERVING and NOT_SERVING from then on.
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  grpc::EnableDefaultHealthCheckService(true);
  // A server needs some service to run.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("[::]:") + argv[1], grpc::InsecureServerCredentials());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return 1;
  server->GetHealthCheckService()->SetServingStatus(std::string(argv[2]) == "serving");
  for (int number = 0; sigwait(&signals, &number) == 0 && (number == SIGUSR1 || number == SIGUSR2);) {
    server->GetHealthCheckService()->SetServingStatus(number == SIGUSR1);
  }
  return 0;
}
