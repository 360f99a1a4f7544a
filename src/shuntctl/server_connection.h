// The way to a daemon over TCP with TLS: its files, and in words why it does not work. One thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

// What is wrong with --server, --ca, --cert and --key, their files included; nullopt: nothing.
std::optional<Failure> check_server_settings(const ServerSettings& settings);

// REQUIRES check_server_settings().
std::shared_ptr<grpc::ChannelCredentials> server_credentials(const ServerSettings& settings);

// Why the server cannot be spoken with: not reached, its certificate, or ours; nullopt when it can.
// gRPC only says that it failed. Takes some seconds at most.
std::optional<Failure> probe_server(const ServerSettings& settings);

}  // namespace shunt::shuntctl
