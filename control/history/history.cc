#include "control/history/history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "control/durable_file.h"
#include "control/history/record.h"

namespace shunt::control {
namespace {

constexpr const char* kFolder = "history";
constexpr const char* kPrefix = "revision-";
// The last damaged file, kept to be looked at.
constexpr const char* kDamaged = "damaged";
constexpr const char* kUnfinished = "unfinished";

constexpr std::string_view kSubject = "history";

Error system_error(const std::string& path, const char* what, int error) {
  return file_error(kSubject, path, what, error);
}

// At most `bytes` from the start.
Result<std::string> read_start(const std::string& path, uint64_t bytes) {
  const OpenFile file(path, O_RDONLY);
  if (file.fd() < 0) return system_error(path, "open", errno);
  return control::read_start(kSubject, path, file.fd(), bytes);
}

// A kill in between leaves kUnfinished, which the next one overwrites.
Result<void> write_file(const std::string& path, const std::string& folder, std::string_view bytes) {
  if (auto written = replace_file(kSubject, path, folder + "/" + kUnfinished, bytes); !written) return written;
  return sync_directory(kSubject, folder);
}

// nullopt: it is no revision's.
std::optional<uint64_t> revision_of(const std::string& name) {
  uint64_t revision = 0;
  int end = 0;
  const bool fits = std::sscanf(name.c_str(), "revision-%20" SCNu64 "%n", &revision, &end) == 1;
  if (!fits || static_cast<size_t>(end) != name.size()) return std::nullopt;
  return revision;
}

// What a list shows of the file; an error of kInvalid says what is wrong with its content.
Result<Revision> listed_in(const std::string& path, uint64_t number) {
  auto header = read_start(path, kRecordHeaderBytes);
  if (!header) return header.error();
  const size_t bytes = listed_bytes(*header);
  auto record = bytes == 0 ? header : read_start(path, bytes);
  if (!record) return record.error();
  std::string cause;
  auto revision = revision_in(*record, cause);
  if (revision && revision->revision == number) return std::move(*revision);
  return Error{ErrorCode::kInvalid, revision ? "it is of revision " + std::to_string(revision->revision) : cause};
}

}  // namespace

Result<History> History::open(const std::string& directory, std::vector<std::string>& damage) {
  History history(directory + "/" + kFolder);
  std::error_code failed;
  std::filesystem::create_directories(history.directory_, failed);
  if (failed) return system_error(history.directory_, "make the directory", failed.value());
  if (auto loaded = history.load(damage); !loaded) return loaded.error();
  return history;
}

Result<void> History::load(std::vector<std::string>& damage) {
  std::map<uint64_t, std::string> files;
  std::error_code failed;
  for (const auto& each : std::filesystem::directory_iterator(directory_, failed)) {
    if (const auto number = revision_of(each.path().filename())) files.emplace(*number, each.path());
  }
  if (failed) return system_error(directory_, "read the directory", failed.value());
  for (const auto& [number, path] : files) {
    auto revision = listed_in(path, number);
    if (!revision && revision.error().code != ErrorCode::kInvalid) return revision.error();
    if (!revision) {
      const std::string aside = directory_ + "/" + kDamaged;
      std::rename(path.c_str(), aside.c_str());
      damage.push_back("history " + path + ": " + revision.error().message + "; it was kept as " + aside +
                       ", and revisions before it can no longer be brought back");
      continue;
    }
    struct stat about {};
    bytes_.push_back(::stat(path.c_str(), &about) == 0 ? static_cast<uint64_t>(about.st_size) : 0);
    revisions_.push_back(std::move(*revision));
  }
  return {};
}

std::string History::file_of(uint64_t revision) const {
  char name[48];
  std::snprintf(name, sizeof name, "%s%020" PRIu64, kPrefix, revision);
  return directory_ + "/" + name;
}

void History::remove(size_t index) {
  ::unlink(file_of(revisions_[index].revision).c_str());
  revisions_.erase(revisions_.begin() + static_cast<std::ptrdiff_t>(index));
  bytes_.erase(bytes_.begin() + static_cast<std::ptrdiff_t>(index));
}

void History::begin(uint64_t state_revision) {
  for (size_t i = revisions_.size(); i > 0; --i) {
    if (revisions_[i - 1].changed_state && revisions_[i - 1].revision > state_revision) remove(i - 1);
  }
  state_revision_ = state_revision;
}

bool History::has(uint64_t revision) const noexcept {
  return std::any_of(revisions_.rbegin(), revisions_.rend(),
                     [revision](const Revision& each) { return each.revision == revision; });
}

Result<void> History::append(Revision revision, const WayBack& way_back) {
  // Left by a life in which it was not to be.
  while (!revisions_.empty() && revisions_.back().revision >= revision.revision) remove(revisions_.size() - 1);
  revision.from = revision.changed_state ? state_revision_ : 0;
  if (revision.changes.size() > kChangesListed) revision.changes.resize(kChangesListed);
  if (revision.changed_state) state_revision_before_ = std::exchange(state_revision_, revision.revision);
  const std::string path = file_of(revision.revision);
  const std::string record = to_record(revision, way_back);
  if (auto written = write_file(path, directory_, record); !written) {
    ::unlink(path.c_str());
    return written;
  }
  revisions_.push_back(std::move(revision));
  bytes_.push_back(record.size());
  drop_oldest();
  return {};
}

void History::drop_oldest() {
  uint64_t all = 0;
  for (const uint64_t bytes : bytes_) all += bytes;
  while (revisions_.size() > kMaxRevisions || (all > kMaxBytes && revisions_.size() > 1)) {
    all -= bytes_.front();
    remove(0);
  }
}

void History::forget(uint64_t revision) {
  if (state_revision_ == revision) state_revision_ = state_revision_before_;
  if (newest() == revision) remove(revisions_.size() - 1);
}

Result<std::vector<uint64_t>> History::way_to(uint64_t revision) const {
  std::vector<uint64_t> way;
  uint64_t at = state_revision_;
  for (size_t i = revisions_.size(); i > 0; --i) {
    const Revision& each = revisions_[i - 1];
    if (each.revision == revision) {
      // The state of an override's revision is that of the last change before it.
      if (each.changed_state ? at == revision : at != 0 && at <= revision) return way;
      break;
    }
    if (each.revision < revision) break;
    if (!each.changed_state) continue;
    if (each.revision != at) break;
    way.push_back(each.revision);
    at = each.from;
  }
  if (has(revision)) {
    return Error{ErrorCode::kNotFound, "revision " + std::to_string(revision) +
                                           ": a change after it is not in the history, so its state is not known; choose a later "
                                           "one of shuntctl history"};
  }
  return Error{ErrorCode::kNotFound, "revision " + std::to_string(revision) + ": is not in the history, which keeps the last " +
                                         std::to_string(kMaxRevisions) + "; choose one of shuntctl history"};
}

Result<WayBack> History::read(const std::string& path) {
  auto record = read_start(path, UINT64_MAX);
  if (!record) return record.error();
  std::string cause;
  auto way_back = way_back_in(*record, cause);
  if (way_back) return std::move(*way_back);
  return Error{ErrorCode::kUnavailable,
               "history " + path + ": " + cause + "; choose a later revision of shuntctl history"};
}

}  // namespace shunt::control
