#include "control/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "control/identity.h"

namespace shunt::control {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'H', 'U', 'N', 'T', 'J', 'N', 'L'};
constexpr uint32_t kFormat = 1;
constexpr const char* kFileName = "desired-state.journal";
constexpr const char* kTempName = "desired-state.journal.new";

// What the file begins with; integers in the machine's order, since a journal does not travel.
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t format = kFormat;
  uint32_t header_bytes = sizeof(Header);
  uint64_t revision = 0;
  uint64_t file_hash = 0;
  int64_t time_ns = 0;
  uint64_t state_bytes = 0;
  uint64_t state_checksum = 0;
  // Of all the members before.
  uint64_t header_checksum = 0;
};
static_assert(sizeof(Header) == 64);

uint64_t checksum_of(const Header& header) noexcept {
  return content_hash({reinterpret_cast<const char*>(&header), offsetof(Header, header_checksum)});
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

Error system_error(const std::string& path, const char* what, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const bool full = error == ENOSPC || error == EDQUOT;
  const char* remedy = denied ? "make it writable for shuntd"
                       : full ? "free some disk space"
                              : "check the path and the disk";
  return {denied ? ErrorCode::kPermission : ErrorCode::kUnavailable,
          "journal " + path + ": cannot " + what + ": " + std::strerror(error) + "; " + remedy};
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

Result<std::string> read_all(const std::string& path, const File& file) {
  struct stat about {};
  if (::fstat(file.fd(), &about) != 0) return system_error(path, "read", errno);
  std::string bytes(static_cast<size_t>(about.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

// The entry in `bytes`, or what is wrong with them.
std::optional<JournalEntry> parse(std::string_view bytes, std::string& cause) {
  Header header;
  if (bytes.size() < sizeof header) {
    cause = "it is " + std::to_string(bytes.size()) + " bytes long, shorter than its header";
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) cause = "it is no journal of shuntd";
  if (cause.empty() && checksum_of(header) != header.header_checksum) cause = "the header's checksum is wrong";
  if (cause.empty() && (header.format != kFormat || header.header_bytes != sizeof header)) {
    cause = "its format is " + std::to_string(header.format) + ", this shuntd writes " + std::to_string(kFormat);
  }
  bytes.remove_prefix(sizeof header);
  if (cause.empty() && header.state_bytes != bytes.size()) {
    cause = "it holds " + std::to_string(bytes.size()) + " bytes of state, its header says " +
            std::to_string(header.state_bytes);
  }
  if (cause.empty() && content_hash(bytes) != header.state_checksum) cause = "the state's checksum is wrong";
  if (!cause.empty()) return std::nullopt;
  return JournalEntry{header.revision, header.file_hash,
                      WallClock::time_point(std::chrono::nanoseconds(header.time_ns)), std::string(bytes)};
}

}  // namespace

uint64_t content_hash(std::string_view content) noexcept {
  uint64_t hash = mix(0x5348554e54u, content.size());
  for (; content.size() >= 8; content.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, content.data(), 8);
    hash = mix(hash, word);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, content.data(), content.size());
  return mix(mix(hash, rest), hash >> 32);
}

Result<Journal> Journal::open(const std::string& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return system_error(directory, "make the directory", failed.value());
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(directory, "open the directory", errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    if (error != EWOULDBLOCK) return system_error(directory, "lock the directory", error);
    return Error{ErrorCode::kConflict, "journal " + directory +
                                           ": another shuntd uses this directory; stop it or give this one "
                                           "its own journal.directory"};
  }
  return Journal(directory, fd);
}

Journal::Journal(std::string directory, int directory_fd)
    : directory_(std::move(directory)), directory_fd_(directory_fd) {}

Journal::Journal(Journal&& other) noexcept
    : directory_(std::move(other.directory_)), directory_fd_(std::exchange(other.directory_fd_, -1)) {}

Journal::~Journal() {
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<std::optional<JournalEntry>> Journal::load() {
  const std::string path = directory_ + "/" + kFileName;
  const File file(path, O_RDONLY);
  if (file.fd() < 0 && errno == ENOENT) return std::optional<JournalEntry>{};
  if (file.fd() < 0) return system_error(path, "open", errno);
  auto bytes = read_all(path, file);
  if (!bytes) return bytes.error();
  std::string cause;
  auto entry = parse(*bytes, cause);
  if (entry) return entry;

  const auto aside = set_aside();
  if (!aside) return aside.error();
  return Error{ErrorCode::kInvalid, "journal " + path + ": " + cause + "; it was kept as " + *aside +
                                        ", the configuration file's services are what is left"};
}

Result<std::string> Journal::set_aside() {
  const std::string path = directory_ + "/" + kFileName;
  const std::string aside = path + ".damaged-" + std::to_string(WallClock::now().time_since_epoch().count());
  if (::rename(path.c_str(), aside.c_str()) != 0) return system_error(path, "keep the damaged file aside", errno);
  return aside;
}

Result<void> Journal::write_file(const std::string& path, const JournalEntry& entry) const {
  Header header;
  header.revision = entry.revision;
  header.file_hash = entry.file_hash;
  header.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(entry.time.time_since_epoch()).count();
  header.state_bytes = entry.state.size();
  header.state_checksum = content_hash(entry.state);
  header.header_checksum = checksum_of(header);

  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.fd() < 0) return system_error(path, "create", errno);
  if (!write_all(file.fd(), {reinterpret_cast<const char*>(&header), sizeof header}) ||
      !write_all(file.fd(), entry.state)) {
    return system_error(path, "write", errno);
  }
  if (::fsync(file.fd()) != 0) return system_error(path, "sync", errno);
  return {};
}

Result<void> Journal::write(const JournalEntry& entry) {
  const std::string temp = directory_ + "/" + kTempName;
  const std::string path = directory_ + "/" + kFileName;
  if (auto written = write_file(temp, entry); !written) {
    ::unlink(temp.c_str());
    return written;
  }
  if (::rename(temp.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temp.c_str());
    return system_error(path, "replace", error);
  }
  if (::fsync(directory_fd_) != 0) return system_error(directory_, "sync the directory", errno);
  return {};
}

}  // namespace shunt::control
