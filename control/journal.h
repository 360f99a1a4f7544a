// The last good desired state on disk. A write is a new file, synced, renamed over the old one, the directory synced:
// whatever kills the process or the machine, at any moment, the file is one whole entry, and at least the last one
// whose write() returned. The state's bytes are opaque here. Owner: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/report.h"
#include "src/base/result.h"

namespace shunt::control {

struct JournalEntry {
  uint64_t revision = 0;
  // Of the configuration file whose services were last loaded.
  uint64_t file_hash = 0;
  WallClock::time_point time;
  // The desired state, encoded.
  std::string state;
};

// Tells contents apart; no defence against forgery. Pure.
uint64_t content_hash(std::string_view content) noexcept;

class Journal {
 public:
  // Makes `directory` if it is missing and holds it until destroyed. Errors: kConflict (another process holds it),
  // kPermission, kUnavailable (no directory, disk).
  static Result<Journal> open(const std::string& directory);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  // What was last written; nothing when there never was. A damaged file is an error (kInvalid) and is kept aside under
  // another name, which the error tells; the next load finds nothing.
  Result<std::optional<JournalEntry>> load();
  // Keeps what was last written under another name, which is returned; the next load finds nothing. For contents that
  // turn out to be no state.
  Result<std::string> set_aside();
  // Replaces what was last written. On error, what was last written still is.
  Result<void> write(const JournalEntry& entry);

 private:
  Journal(std::string directory, int directory_fd);
  Result<void> write_file(const std::string& path, const JournalEntry& entry) const;

  std::string directory_;
  // Open and locked for as long as this lives.
  int directory_fd_;
};

}  // namespace shunt::control
