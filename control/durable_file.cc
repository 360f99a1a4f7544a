#include "control/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace shunt::control {
namespace {

Result<void> write_whole(std::string_view subject, const std::string& path, std::string_view bytes) {
  const OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.fd() < 0) return file_error(subject, path, "create", errno);
  if (!write_all(file.fd(), bytes)) return file_error(subject, path, "write", errno);
  if (::fsync(file.fd()) != 0) return file_error(subject, path, "sync", errno);
  return {};
}

}  // namespace

OpenFile::OpenFile(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}

Error file_error(std::string_view subject, const std::string& path, const char* what, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const bool full = error == ENOSPC || error == EDQUOT;
  const char* remedy = denied ? "make it writable for shuntd"
                       : full ? "free some disk space"
                              : "check the path and the disk";
  return {denied ? ErrorCode::kPermission : ErrorCode::kUnavailable,
          std::string(subject) + " " + path + ": cannot " + what + ": " + std::strerror(error) + "; " + remedy};
}

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Result<std::string> read_start(std::string_view subject, const std::string& path, int fd, uint64_t bytes) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return file_error(subject, path, "read", errno);
  std::string content(std::min<uint64_t>(bytes, static_cast<uint64_t>(about.st_size)), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(fd, content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(subject, path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  content.resize(done);
  return content;
}

Result<void> replace_file(std::string_view subject, const std::string& path, const std::string& unfinished,
                          std::string_view bytes) {
  if (auto written = write_whole(subject, unfinished, bytes); !written) {
    ::unlink(unfinished.c_str());
    return written;
  }
  if (::rename(unfinished.c_str(), path.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(unfinished.c_str());
  return file_error(subject, path, "replace", error);
}

Result<void> sync_directory(std::string_view subject, const std::string& directory) {
  const OpenFile opened(directory, O_RDONLY | O_DIRECTORY);
  if (opened.fd() < 0 || ::fsync(opened.fd()) != 0) return file_error(subject, directory, "sync the directory", errno);
  return {};
}

}  // namespace shunt::control
