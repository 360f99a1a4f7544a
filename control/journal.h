// The last good desired state on disk. A write is a new file, synced, renamed over the old one, the directory synced; an
// edit is appended to it and synced, so that one weight of a hundred thousand costs one weight. Whatever kills the
// process or the machine, at any moment: what is loaded is whole, and at least as new as the last call that
// returned. The state's and the edits' bytes are opaque here. Owner: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  // What was appended since, in its order; `revision` and `time` are the last one's.
  std::vector<std::string> edits;
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
  // Replaces what was last written, edits included. REQUIRES no edits in `entry`. On error, what was last written still
  // is.
  Result<void> write(const JournalEntry& entry);
  // Whether append() may follow: something was written or loaded whole, and edits do not yet outgrow it.
  bool can_append() const noexcept;
  // Adds an edit to what was last written. REQUIRES can_append(). On error, as write().
  Result<void> append(uint64_t revision, WallClock::time_point time, std::string_view edit);

 private:
  Journal(std::string directory, int directory_fd);

  std::string directory_;
  // Open and locked for as long as this lives.
  int directory_fd_;
  // Of the file: its length, and how much of that is the state. 0: there is none, or it has a torn end.
  uint64_t length_ = 0;
  uint64_t state_length_ = 0;
};

}  // namespace shunt::control
