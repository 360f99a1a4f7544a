#include "control/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "control/durable_file.h"
#include "control/identity.h"

namespace shunt::control {
namespace {

constexpr std::array<char, 8> kStateMagic = {'S', 'H', 'U', 'N', 'T', 'J', 'N', 'L'};
constexpr std::array<char, 8> kEditMagic = {'S', 'H', 'U', 'N', 'T', 'E', 'D', '2'};
constexpr uint32_t kFormat = 1;
// Edits may take this much, or as much as the state, before the file is written anew.
constexpr uint64_t kEditBytes = 256 * 1024;
constexpr const char* kFileName = "desired-state.journal";
constexpr const char* kTempName = "desired-state.journal.new";

// What a record begins with; integers in the machine's order, since a journal does not travel. The first record of a
// file is the state, all others are edits.
struct Header {
  std::array<char, 8> magic = kStateMagic;
  uint32_t format = kFormat;
  uint32_t header_bytes = sizeof(Header);
  uint64_t revision = 0;
  uint64_t file_hash = 0;
  int64_t time_ns = 0;
  uint64_t body_bytes = 0;
  uint64_t body_checksum = 0;
  // Of all the members before.
  uint64_t header_checksum = 0;
};
static_assert(sizeof(Header) == 64);

uint64_t checksum_of(const Header& header) noexcept {
  return content_hash({reinterpret_cast<const char*>(&header), offsetof(Header, header_checksum)});
}

constexpr std::string_view kSubject = "journal";

Error system_error(const std::string& path, const char* what, int error) {
  return file_error(kSubject, path, what, error);
}

std::string record(const std::array<char, 8>& magic, uint64_t revision, uint64_t file_hash, WallClock::time_point time,
                   std::string_view body) {
  Header header;
  header.magic = magic;
  header.revision = revision;
  header.file_hash = file_hash;
  header.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  header.body_bytes = body.size();
  header.body_checksum = content_hash(body);
  header.header_checksum = checksum_of(header);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  return bytes.append(body);
}

// A record's header at the start of `bytes`; `cause` says why there is none. Leaves the body's length unchecked.
std::optional<Header> parse_header(std::string_view bytes, const std::array<char, 8>& magic, std::string& cause) {
  Header header;
  if (bytes.size() < sizeof header) {
    cause = "it is " + std::to_string(bytes.size()) + " bytes long, shorter than its header";
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != magic) {
    cause = "it is no journal of shuntd";
  } else if (checksum_of(header) != header.header_checksum) {
    cause = "a header's checksum is wrong";
  } else if (header.format != kFormat || header.header_bytes != sizeof header) {
    cause = "its format is " + std::to_string(header.format) + ", this shuntd writes " + std::to_string(kFormat);
  }
  return cause.empty() ? std::optional(header) : std::nullopt;
}

WallClock::time_point time_of(const Header& header) {
  return WallClock::time_point(std::chrono::nanoseconds(header.time_ns));
}

// Adds the edits in `bytes`. The last one may be cut short by a kill: it was never acknowledged and is left out.
bool parse_edits(std::string_view bytes, JournalEntry& entry, std::string& cause) {
  while (bytes.size() >= sizeof(Header)) {
    const auto header = parse_header(bytes, kEditMagic, cause);
    if (!header) return false;
    bytes.remove_prefix(sizeof *header);
    if (bytes.size() < header->body_bytes) return true;
    const std::string_view body = bytes.substr(0, header->body_bytes);
    bytes.remove_prefix(header->body_bytes);
    if (content_hash(body) != header->body_checksum) {
      cause = "the checksum of revision " + std::to_string(header->revision) + " is wrong";
      return false;
    }
    entry.edits.emplace_back(body);
    entry.revision = header->revision;
    entry.time = time_of(*header);
  }
  return true;
}

// The entry in `bytes`, or what is wrong with them.
std::optional<JournalEntry> parse(std::string_view bytes, std::string& cause) {
  const auto header = parse_header(bytes, kStateMagic, cause);
  if (!header) return std::nullopt;
  bytes.remove_prefix(sizeof *header);
  if (bytes.size() < header->body_bytes) {
    cause = "it holds " + std::to_string(bytes.size()) + " bytes of state, its header says " +
            std::to_string(header->body_bytes);
    return std::nullopt;
  }
  const std::string_view state = bytes.substr(0, header->body_bytes);
  if (content_hash(state) != header->body_checksum) {
    cause = "the state's checksum is wrong";
    return std::nullopt;
  }
  JournalEntry entry{header->revision, header->file_hash, time_of(*header), std::string(state), {}};
  if (!parse_edits(bytes.substr(header->body_bytes), entry, cause)) return std::nullopt;
  return entry;
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
    : directory_(std::move(other.directory_)),
      directory_fd_(std::exchange(other.directory_fd_, -1)),
      length_(other.length_),
      state_length_(other.state_length_) {}

Journal::~Journal() {
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<std::optional<JournalEntry>> Journal::load() {
  const std::string path = directory_ + "/" + kFileName;
  const OpenFile file(path, O_RDONLY);
  if (file.fd() < 0 && errno == ENOENT) return std::optional<JournalEntry>{};
  if (file.fd() < 0) return system_error(path, "open", errno);
  auto bytes = read_start(kSubject, path, file.fd());
  if (!bytes) return bytes.error();
  std::string cause;
  auto entry = parse(*bytes, cause);
  if (entry) {
    const uint64_t state_length = sizeof(Header) + entry->state.size();
    uint64_t length = state_length;
    for (const std::string& edit : entry->edits) length += sizeof(Header) + edit.size();
    const bool is_whole = length == bytes->size();
    length_ = is_whole ? length : 0;
    state_length_ = state_length;
    return entry;
  }

  const auto aside = set_aside();
  if (!aside) return aside.error();
  return Error{ErrorCode::kInvalid, "journal " + path + ": " + cause + "; it was kept as " + *aside +
                                        ", the configuration file's services are what is left"};
}

Result<std::string> Journal::set_aside() {
  const std::string path = directory_ + "/" + kFileName;
  length_ = 0;
  const std::string aside = path + ".damaged-" + std::to_string(WallClock::now().time_since_epoch().count());
  if (::rename(path.c_str(), aside.c_str()) != 0) return system_error(path, "keep the damaged file aside", errno);
  return aside;
}

Result<void> Journal::write(const JournalEntry& entry) {
  const std::string temp = directory_ + "/" + kTempName;
  const std::string path = directory_ + "/" + kFileName;
  const std::string bytes = record(kStateMagic, entry.revision, entry.file_hash, entry.time, entry.state);
  if (auto written = replace_file(kSubject, path, temp, bytes); !written) return written;
  length_ = state_length_ = bytes.size();
  if (::fsync(directory_fd_) != 0) {
    length_ = 0;
    return system_error(directory_, "sync the directory", errno);
  }
  return {};
}

bool Journal::can_append() const noexcept {
  return length_ > 0 && length_ - state_length_ <= std::max(kEditBytes, state_length_);
}

Result<void> Journal::append(uint64_t revision, WallClock::time_point time, std::string_view edit) {
  const std::string path = directory_ + "/" + kFileName;
  const std::string bytes = record(kEditMagic, revision, 0, time, edit);
  const OpenFile file(path, O_WRONLY | O_APPEND);
  if (file.fd() < 0) return system_error(path, "open", errno);
  if (write_all(file.fd(), bytes) && ::fdatasync(file.fd()) == 0) {
    length_ += bytes.size();
    return {};
  }
  const int error = errno;
  // The refused edit must not be found at the next start. If it cannot be cut off, a whole write comes next.
  if (::ftruncate(file.fd(), static_cast<off_t>(length_)) != 0) length_ = 0;
  return system_error(path, "append", error);
}

}  // namespace shunt::control
