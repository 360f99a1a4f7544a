// The API's TLS: certificates of both sides or no connection. Main thread.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "control/model/machine.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

// Whether the listener's files can be read and used, and fit each other. Errors: kNotFound,
// kPermission, kInvalid. An expired certificate is a warning only: packets go on without the API.
Result<void> check_tls_files(const TcpListener& listener);

// TLS 1.2 or later, client certificates required and verified, calls by role (roles.h). Files that
// change are read again within two seconds. REQUIRES check_tls_files().
std::shared_ptr<grpc::ServerCredentials> tls_credentials(const TcpListener& listener);

}  // namespace shunt::control::rpc
