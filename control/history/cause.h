// Why the desired state or an override changes: who asked, by what way. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace shunt::control {

enum class Origin {
  // A call.
  kApi,
  // The configuration file, at the start or read again.
  kFile,
  // A call that brings an earlier revision back.
  kRollback,
  // Nobody now: the time of something that was asked for earlier is over.
  kItself,
};

struct Cause {
  Origin origin = Origin::kApi;
  // "ops at 192.0.2.7:40112"; empty: nobody says.
  std::string who;
  // "apply", "rollback to revision 5".
  std::string what;
  bool operator==(const Cause&) const = default;
};

// While it lives, it is the cause of what its thread asks the controller to change.
class CauseScope {
 public:
  explicit CauseScope(Cause cause);
  ~CauseScope();
  CauseScope(const CauseScope&) = delete;
  CauseScope& operator=(const CauseScope&) = delete;

 private:
  const Cause* const before_;
  const Cause cause_;
};

// The calling thread's; Cause{} without a scope.
const Cause& cause_of_this_thread() noexcept;

}  // namespace shunt::control
