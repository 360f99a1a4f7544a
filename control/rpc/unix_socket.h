// The path of a UNIX socket before and after it is listened on. Any thread.
#pragma once

#include <string>

#include "src/base/result.h"

namespace shunt::control::rpc {

// Makes the path free to bind: creates its folder, and removes a socket that a dead daemon left. Errors: somebody
// listens there, or something is there that is no socket (kConflict); the path is too long (kInvalid); not allowed
// (kPermission).
Result<void> prepare_socket_path(const std::string& path);

}  // namespace shunt::control::rpc
