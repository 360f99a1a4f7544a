// Who is calling, by certificate and address, in words for messages and the log. Pure; any thread.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <string>
#include <vector>

namespace shunt::control::rpc {

// The common name of the client's certificate, then its alternative names; each once. Empty: it has
// none.
std::vector<std::string> names_in(const grpc::AuthContext& context);

// "ops", or what stands for a certificate without names.
std::string in_words(const std::vector<std::string>& names);

// "eve (uid 1004, pid 4711)" over the UNIX socket, "ops at 192.0.2.7:40112"
std::string caller(const grpc::ServerContext& context);

// What a client sent must not start a log line of its own.
std::string one_line(std::string text);

}  // namespace shunt::control::rpc
