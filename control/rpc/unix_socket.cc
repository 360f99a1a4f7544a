#include "control/rpc/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace shunt::control::rpc {
namespace {

Error failure(const std::string& path, int error, const std::string& doing) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  return {denied ? ErrorCode::kPermission : ErrorCode::kInternal,
          "socket " + path + ": " + doing + ": " + std::strerror(error) +
              (denied ? "; run as root, or set listener.unix_socket to a path that this user may write" : "")};
}

// Whether somebody accepts connections on the socket: 0 or errno.
int try_connect(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int error = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

Result<void> prepare_socket_path(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalid, "socket " + path + ": the path must have 1.." +
                                          std::to_string(sizeof address.sun_path - 1) +
                                          " bytes; set a shorter listener.unix_socket"};
  }
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed) return failure(path, failed.value(), "its folder cannot be created");

  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? Result<void>() : failure(path, errno, "cannot be looked at");
  }
  if (!S_ISSOCK(found.st_mode)) {
    return Error{ErrorCode::kConflict,
                 "socket " + path + ": something that is no socket is there; move it away, or set another "
                                    "listener.unix_socket"};
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int error = try_connect(address);
  if (error != ECONNREFUSED && error != ENOENT) {
    // EAGAIN: its queue is full, so there is one.
    if (error != 0 && error != EAGAIN) return failure(path, error, "cannot be tried");
    return Error{ErrorCode::kConflict, "socket " + path +
                                           ": another shuntd listens on it; stop that one, or set another "
                                           "listener.unix_socket"};
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return failure(path, errno, "a dead daemon's cannot be removed");
  return {};
}

}  // namespace shunt::control::rpc
