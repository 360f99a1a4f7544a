// Overrides on disk, beside the journal, as JSON. A write is a new file, synced, renamed over the old one: what is loaded
// is whole, and at least as new as the last write that returned. Owner: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/policy/override.h"
#include "src/base/result.h"

namespace shunt::control {

// An override and whose it is: the real's place and its service's name say so, the real's name is for people.
struct KeptOverride {
  std::string service;
  std::string real;
  IpAddress address;
  uint16_t port = 0;
  Override value;
  bool operator==(const KeptOverride&) const = default;
};

struct KeptOverrides {
  // Of the last change of an override.
  uint64_t revision = 0;
  std::vector<KeptOverride> list;
  bool operator==(const KeptOverrides&) const = default;
};

// Pure.
std::string to_json(const KeptOverrides& overrides);
// kInvalid: it is not what to_json() writes.
Result<KeptOverrides> overrides_from_json(const std::string& text);

class OverrideFile {
 public:
  // In the journal's directory, whose lock keeps other daemons away.
  explicit OverrideFile(std::string directory);

  // None where there is no file. One that cannot be understood is kept aside under another name (kInvalid, which
  // tells it); one that cannot be read is kPermission or kUnavailable.
  Result<KeptOverrides> load();
  // On error, what was last written still is.
  Result<void> write(const KeptOverrides& overrides);

 private:
  std::string path_;
};

}  // namespace shunt::control
