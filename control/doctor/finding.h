// What doctor finds: one line for each thing that it looked at. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shunt::control {

struct Finding {
  enum class Grade : uint8_t {
    kGood,
    kHint,  // works, but not as well as it could, or may be meant so
    kBad,
  };
  Grade grade = Grade::kGood;
  // Stable, for programs: "rp_filter".
  std::string check;
  // "sh-outside", "port inside", "web/r1"
  std::string subject;
  // What is, and what comes of it.
  std::string text;
  // The command that mends it, or the line of the configuration; empty: nothing to mend.
  std::string remedy;
  bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

inline void append(Findings& all, Findings more) {
  for (Finding& each : more) all.push_back(std::move(each));
}
inline bool has_bad(const Findings& findings) {
  for (const Finding& each : findings) {
    if (each.grade == Finding::Grade::kBad) return true;
  }
  return false;
}

}  // namespace shunt::control
