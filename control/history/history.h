// The last revisions on disk, beside the journal: when each came, who asked for it, what it changed and how to take it
// back. A file each, written before the journal takes the revision: what the journal does not know is thrown away at the
// start, so that a kill at any moment leaves both in step. A damaged file is told and left out, and what lies behind it
// can no longer be brought back. The states' bytes are opaque here. Owner: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/history/cause.h"
#include "control/report.h"
#include "src/base/result.h"

namespace shunt::control {

struct Revision {
  uint64_t revision = 0;
  WallClock::time_point time;
  Cause cause;
  // How many things changed; the first of them.
  uint64_t change_count = 0;
  std::vector<Change> changes;
  // The desired state changed, from how it was in that revision; else an override did.
  bool changed_state = false;
  uint64_t from = 0;
  bool operator==(const Revision&) const = default;
};

// What takes a revision back, as control/history/undo.h has it.
struct WayBack {
  // Undo::before, encoded.
  std::string before;
  std::vector<std::string> added;
  std::vector<std::string> order;
  bool operator==(const WayBack&) const = default;
};

class History {
 public:
  // Beyond either the oldest go.
  static constexpr size_t kMaxRevisions = 100;
  static constexpr uint64_t kMaxBytes = 64 << 20;
  // Of each revision's changes so many are listed.
  static constexpr size_t kChangesListed = 16;

  // In the journal's directory, whose lock keeps other daemons away. `damage` gets a line for each file that cannot be used.
  // Errors: kPermission, kUnavailable.
  static Result<History> open(const std::string& directory, std::vector<std::string>& damage);

  // The journal's revision at the start; 0: there never was one. Later changes of the state never came to be: they are
  // removed.
  void begin(uint64_t state_revision);
  // `revision.from` is filled in. On error the history lacks the revision, and no way leads past it.
  Result<void> append(Revision revision, const WayBack& way_back);
  // What was appended last, or could not be, was not to be.
  void forget(uint64_t revision);

  // Oldest first.
  const std::vector<Revision>& revisions() const noexcept { return revisions_; }
  bool has(uint64_t revision) const noexcept;
  // 0: none.
  uint64_t newest() const noexcept { return revisions_.empty() ? 0 : revisions_.back().revision; }
  // The changes of the state behind `revision`, newest first: taken back one after the other, they lead to it. kNotFound:
  // there is no such revision, or no unbroken way.
  Result<std::vector<uint64_t>> way_to(uint64_t revision) const;
  // Both: any thread, `path` one of file_of().
  static Result<WayBack> read(const std::string& path);
  std::string file_of(uint64_t revision) const;

 private:
  explicit History(std::string directory) : directory_(std::move(directory)) {}
  Result<void> load(std::vector<std::string>& damage);
  void remove(size_t index);
  void drop_oldest();

  std::string directory_;
  std::vector<Revision> revisions_;
  // In step with it: what their files take.
  std::vector<uint64_t> bytes_;
  // Of the last change of the state, and of the one before.
  uint64_t state_revision_ = 0;
  uint64_t state_revision_before_ = 0;
};

}  // namespace shunt::control
