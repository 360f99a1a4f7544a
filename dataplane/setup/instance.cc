#include "dataplane/setup/instance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace shunt::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "/shuntd.lock";

// The process that holds the lock, as it wrote itself into the file; empty if it did not yet.
std::string holder(int file) {
  char text[16] = {};
  const ssize_t bytes = pread(file, text, sizeof(text) - 1, 0);
  return bytes > 0 ? " (process " + std::string(text, static_cast<size_t>(bytes)) + ")" : "";
}

// The lock is on the file that the path names, not on one that its last holder removed.
bool still_at(const std::string& path, int file) {
  struct stat opened = {};
  struct stat named = {};
  return fstat(file, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
}

// Its folder is emptied at the end, so it must be a folder of ours.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

std::string runtime_folder(const std::string& file_prefix) {
  const char* base = std::getenv("RUNTIME_DIRECTORY");
  if (base == nullptr && getuid() == 0) base = "/var/run";
  if (base == nullptr) base = std::getenv("XDG_RUNTIME_DIR");
  return std::string(base == nullptr ? "/tmp" : base) + "/dpdk/" + file_prefix;
}

Result<Instance> Instance::take(const std::string& file_prefix) {
  if (!is_plain_name(file_prefix)) {
    return Error{ErrorCode::kInvalid, "dpdk.file_prefix \"" + file_prefix + "\" is no plain file name; use letters and digits"};
  }
  const std::string folder = runtime_folder(file_prefix);
  std::error_code failed;
  fs::create_directories(folder, failed);
  const std::string path = folder + kLockName;
  for (;;) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      return Error{ErrorCode::kPermission, "runtime folder " + folder + ": " + std::strerror(errno) +
                                               "; run as root, or set RUNTIME_DIRECTORY to a folder of this user"};
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      const std::string who = holder(file);
      close(file);
      return Error{ErrorCode::kConflict, "dpdk.file_prefix " + file_prefix + " is in use by another shuntd" + who +
                                             "; stop it, or give this one a file_prefix of its own"};
    }
    if (!still_at(path, file)) {
      close(file);
      continue;
    }
    const std::string self = std::to_string(getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, self.data(), self.size(), 0) < 0) {
      // Only the message of a second instance is poorer for it.
    }
    return Instance(folder, file);
  }
}

Instance::Instance(Instance&& other) noexcept : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

Instance::~Instance() {
  if (lock_ < 0) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (!entry.is_directory(ignored)) fs::remove(entry.path(), ignored);
  }
  fs::remove(folder_, ignored);
  close(lock_);
}

}  // namespace shunt::dataplane
