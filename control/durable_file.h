// What the journal, the history and the overrides have in common: files that are there whole or not at all, whatever ends
// the process. `subject` begins each error: "journal /var/lib/shunt/x: cannot write: ...; free some disk space". Any thread.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace shunt::control {

// Closes what it opened; fd() < 0: it could not, and errno says why. `flags`: open(2)'s.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

// kPermission or kUnavailable, with what to do about it. `error`: an errno.
Error file_error(std::string_view subject, const std::string& path, const char* what, int error);

// False: errno says why.
bool write_all(int fd, std::string_view bytes) noexcept;

// At most `bytes` from the start.
Result<std::string> read_start(std::string_view subject, const std::string& path, int fd, uint64_t bytes = UINT64_MAX);

// Writes `unfinished`, in the same directory, and gives it the name `path` once it is on the disk. On an error `path` is as
// it was. The name itself is lasting after sync_directory().
Result<void> replace_file(std::string_view subject, const std::string& path, const std::string& unfinished,
                          std::string_view bytes);
Result<void> sync_directory(std::string_view subject, const std::string& directory);

}  // namespace shunt::control
